// Draws the charts of a result's page in the browser. The page holds the result as JSON, uPlot, and this script; see
// page.ts. A gap is a null; where series have points at different places, uPlot joins them and draws across the
// places of the others.
/* global uPlot */

{
  const heightPx = 320;
  const narrowPx = 600;
  const lineWidthPx = 1.75;
  const bandLinePx = 14;
  const xAxisPx = 26;
  const bandLinesMax = 4;
  const seriesColorCount = 6;
  const font = "12px system-ui, sans-serif";
  const decades = Array.from({ length: 25 }, (_, i) => 10 ** (i - 9));
  const percentiles = [50, 90, 99, 99.9, 99.99, 99.999, 99.9999];

  const color = (name) => getComputedStyle(document.documentElement).getPropertyValue(`--${name}`).trim();
  const measuring = document.createElement("canvas").getContext("2d");

  /** On a percentile axis x is 1 ÷ (1 − p): the further out, the rarer. */
  const rarityOf = (percentile) => 100 / (100 - percentile);
  const percentileOf = (rarity) => 100 - 100 / rarity;

  function numberText(value) {
    if (value === null || value === undefined) return "–";
    const digits = Math.abs(value) >= 1000 ? 0 : Math.max(0, 3 - Math.floor(Math.log10(Math.abs(value) || 1)));
    return Number(value.toFixed(Math.min(digits, 9)))
      .toLocaleString("en")
      .replaceAll(",", " ");
  }

  function valueText(axis, value) {
    if (value === null || value === undefined) return "–";
    return axis.scale === "percentile" ? `${Number(percentileOf(value).toFixed(5))} %` : numberText(value);
  }

  /** One table for each series, then all on the places of all. A log axis has no place for zero or less. */
  function joined({ x, y, series }) {
    const tables = series.map(({ points }) => {
      const drawable = points.filter(([at]) => x.scale !== "log" || at > 0).toSorted((a, b) => a[0] - b[0]);
      return [
        drawable.map(([at]) => (x.scale === "percentile" ? rarityOf(at) : at)),
        drawable.map(([, value]) => (y.scale !== "linear" && value <= 0 ? null : value)),
      ];
    });
    return tables.length === 1 ? tables[0] : uPlot.join(tables);
  }

  /** A line or a few points: nobody sees a line through one point. */
  function seriesOptions({ label, points }, index, y) {
    return {
      label,
      stroke: color(`series-${(index % seriesColorCount) + 1}`),
      width: lineWidthPx,
      dash: index < seriesColorCount ? [] : [6, 4],
      points: { show: points.length <= 40, size: 5 },
      value: (_, value) => valueText(y, value),
    };
  }

  function scaleOptions(chart, isX) {
    const isLinear = (isX ? chart.x : chart.y).scale === "linear";
    if (!isX) return isLinear ? { range: rangeFromZero } : { distr: 3, log: 10 };
    if (isLinear) return { time: false, range: (plot, min, max) => wholeRange(plot, min, max, chart.bands ?? []) };
    return { time: false, distr: 3, log: 10, range: (_, min, max) => [min, max > min ? max : min * 10] };
  }

  /** All bands are shown whole, so that charts one below the other line up; unless the reader has zoomed in. */
  function wholeRange({ data }, min, max, bands) {
    if (min === null) return [0, 1];
    if (min !== data[0][0] || max !== data[0].at(-1)) return [min, max];
    const from = Math.min(min, ...bands.map((band) => band.from));
    const to = Math.max(max, ...bands.map((band) => band.to));
    return to > from ? [from, to] : [from - 1, to + 1];
  }

  /** Heights are compared, so they begin at zero, unless there is something below. */
  function rangeFromZero(_, min, max) {
    if (min === null || max === null) return [0, 1];
    const room = (max - Math.min(0, min)) * 0.06 || 1;
    return [min < 0 ? min - room : 0, max + room];
  }

  function axisOptions(axis, isX, isNarrow) {
    const options = {
      label: axis.label,
      labelFont: font,
      labelSize: 18,
      labelGap: 2,
      font,
      stroke: color("soft"),
      grid: { stroke: color("line"), width: 1 },
      ticks: { stroke: color("line"), width: 1, size: 5 },
      values: (_, splits) => splits.map((split) => (split === null ? "" : valueText(axis, split))),
    };
    if (axis.scale === "percentile") {
      options.splits = (_u, _axis, min, max) => percentiles.map(rarityOf).filter((at) => at >= min && at <= max);
      options.filter = (_, splits) => splits;
    } else if (axis.scale === "log" && isX) {
      options.splits = (_u, _axis, min, max) => decades.filter((at) => at >= min && at <= max);
      options.filter = (_, splits) => splits;
    } else if (axis.scale === "log") {
      // Decades only: labels between them would overlap.
      options.filter = (_, splits) =>
        splits.map((split) => (Number.isInteger(round(Math.log10(split))) ? split : null));
    } else if (isX) {
      options.space = isNarrow ? 60 : 80;
    }
    options.size = isX ? xAxisPx : sizeOfLabels;
    return options;
  }

  const round = (value) => Number(value.toFixed(9));

  function sizeOfLabels(_, values) {
    measuring.font = font;
    return 16 + Math.max(24, ...(values ?? []).map((text) => measuring.measureText(text ?? "").width));
  }

  /** Words into lines of at most `widthPx`; undefined if a word does not fit, or there are too many lines. */
  function wrap(text, widthPx) {
    measuring.font = font;
    const lines = [];
    for (const word of text.split(" ")) {
      const longer = lines.length === 0 ? word : `${lines.at(-1)} ${word}`;
      if (lines.length > 0 && measuring.measureText(longer).width <= widthPx) lines[lines.length - 1] = longer;
      else if (measuring.measureText(word).width > widthPx) return undefined;
      else lines.push(word);
    }
    return lines.length <= bandLinesMax ? lines : undefined;
  }

  /** What stands above each band: its label if all labels fit, else its number, for the list below the chart. */
  function bandTexts(chart, widthPx) {
    const bands = chart.bands ?? [];
    const places = chart.series.flatMap(({ points }) => points.map(([at]) => at));
    const spanX =
      Math.max(...places, ...bands.map(({ to }) => to)) - Math.min(...places, ...bands.map(({ from }) => from));
    const plotPx = widthPx - 80;
    const texts = bands.map(({ from, to, label }) => wrap(label, (plotPx * (to - from)) / spanX - 8));
    return texts.every((lines) => lines !== undefined) ? texts : bands.map((_, i) => [`${i + 1}`]);
  }

  function drawBands(plot, bands, texts) {
    const { ctx, bbox } = plot;
    const ratio = devicePixelRatio;
    ctx.save();
    ctx.font = `${12 * ratio}px system-ui, sans-serif`;
    ctx.textAlign = "center";
    ctx.textBaseline = "bottom";
    for (const [i, { from, to }] of bands.entries()) {
      const left = Math.max(bbox.left, plot.valToPos(from, "x", true));
      const right = Math.min(bbox.left + bbox.width, plot.valToPos(to, "x", true));
      if (right <= left) continue;
      ctx.fillStyle = color("band");
      if (i % 2 === 0) ctx.fillRect(left, bbox.top, right - left, bbox.height);
      ctx.fillStyle = color("soft");
      const lines = texts[i];
      for (const [line, text] of lines.entries()) {
        const bottom = bbox.top - (lines.length - line - 1) * bandLinePx * ratio - 3 * ratio;
        ctx.fillText(text, (left + right) / 2, bottom);
      }
    }
    ctx.restore();
  }

  function showBandList(place, bands, texts) {
    place.replaceChildren();
    place.hidden = bands.every(({ label }, i) => texts[i].join(" ") === label);
    if (place.hidden) return;
    for (const { label } of bands) {
      const item = document.createElement("li");
      item.textContent = label;
      place.append(item);
    }
  }

  function draw(chart, section) {
    const place = section.querySelector(".plot");
    place.replaceChildren();
    if (chart.series.every(({ points }) => points.length === 0)) {
      place.textContent = "nothing was recorded";
      return;
    }
    const width = place.clientWidth;
    const bands = chart.bands ?? [];
    const texts = bandTexts(chart, width);
    showBandList(section.querySelector(".bands"), bands, texts);
    const lineCount = Math.max(0, ...texts.map((lines) => lines.length));
    const isNarrow = width < narrowPx;
    const options = {
      width,
      height: heightPx + lineCount * bandLinePx,
      padding: [8 + lineCount * bandLinePx, isNarrow ? 22 : 34, 0, 0],
      series: [
        { label: chart.x.label, value: (_, value) => valueText(chart.x, value) },
        ...chart.series.map((series, index) => seriesOptions(series, index, chart.y)),
      ],
      scales: { x: scaleOptions(chart, true), y: scaleOptions(chart, false) },
      axes: [axisOptions(chart.x, true, isNarrow), axisOptions(chart.y, false, isNarrow)],
      cursor: { drag: { x: true, y: false }, points: { size: 7 } },
      hooks: { drawClear: [(plot) => drawBands(plot, bands, texts)] },
    };
    new uPlot(options, joined(chart), place);
  }

  const { charts } = JSON.parse(document.getElementById("result").textContent);
  const sections = [...document.querySelectorAll("section.chart")];
  const drawAll = () => {
    for (const [i, chart] of charts.entries()) draw(chart, sections[i]);
  };
  drawAll();
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", drawAll);
  let drawnWidth = innerWidth;
  addEventListener("resize", () => {
    if (innerWidth === drawnWidth) return;
    drawnWidth = innerWidth;
    drawAll();
  });
}
