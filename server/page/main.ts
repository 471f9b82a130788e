/** The live page: what an instance tells about itself and the others, once a second, drawn. */
import { Chart } from "./chart.ts";
import { chartSpecs } from "./charts.ts";
import { Connection, type ConnectionState } from "./connection.ts";
import { byId, setText } from "./dom.ts";
import { Figures } from "./figures.ts";
import { Finder } from "./finder.ts";
import { History, type Tick } from "./history.ts";
import { Instances } from "./instances.ts";
import type { Hello, Message } from "./message.ts";
import { ProcessorTable } from "./processor-table.ts";
import { Simulation } from "./simulation.ts";
import { followTheme, readPalette } from "./theme.ts";
import { Tiles } from "./tiles.ts";

let hello: Hello | undefined;
let history: History | undefined;
/** Which of every tick's views is shown: 0 all instances together, else one. */
let view = 0;
const shown = {
  get ticks(): readonly Tick[] {
    return history?.ticks ?? [];
  },
  get view(): number {
    return view;
  },
};

/** What depends on the processors, made once they are known. */
let drawn: { charts: readonly Chart[]; tiles: Tiles; processors: ProcessorTable; figures: Figures } | undefined;
const instances = new Instances((chosen) => {
  view = chosen;
  draw();
});
const finder = new Finder();
const simulation = new Simulation((id) => finder.find(id));

followTheme(() => {
  const changed = readPalette();
  for (const chart of drawn?.charts ?? []) chart.setPalette(changed);
  draw();
});
// Nothing is drawn that nobody sees; what was missed is drawn on return.
document.addEventListener("visibilitychange", draw);
new Connection(receive, showConnection);

function receive(message: Message): void {
  if (message.type === "hello") meet(message);
  else history?.add(message, performance.timeOrigin + performance.now());
  draw();
}

/** History goes on over reconnections: the counters are the same whichever instance tells them. */
function meet(newHello: Hello): void {
  // Started anew with other processors: nothing that is shown fits any more.
  if (hello !== undefined && hello.processors.join() !== newHello.processors.join()) location.reload();
  if (hello?.instanceCount !== newHello.instanceCount || hello.intervalMs !== newHello.intervalMs)
    history = new History(newHello.intervalMs, newHello.answerWithinMs);
  hello = newHello;
  drawn ??= prepare(newHello);
  instances.setCount(newHello.instanceCount);
  if (newHello.isSimulation) simulation.offer(newHello.processors);
  else simulation.withdraw();
  setText(byId("connection"), `Connected to instance ${newHello.instance}`);
}

function prepare(known: Hello) {
  const palette = readPalette();
  return {
    charts: chartSpecs(shown, known.processors).map((spec) => new Chart(spec, palette)),
    tiles: new Tiles(known),
    processors: new ProcessorTable(known),
    figures: new Figures(known.processors, draw),
  };
}

function showConnection(state: ConnectionState): void {
  const line = byId("connection");
  line.dataset["state"] = state;
  if (state === "lost") setText(line, "Not connected, trying again");
}

function draw(): void {
  if (document.hidden || hello === undefined || history === undefined || drawn === undefined) return;
  const { charts, tiles, processors, figures } = drawn;
  tiles.show(history.latest, view);
  processors.show(history.latest, view);
  instances.show(history.latest, hello);
  for (const chart of charts) chart.draw(history.ticks);
  figures.show(history.ticks, view);
}
