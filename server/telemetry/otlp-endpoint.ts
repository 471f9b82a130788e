import { resolve } from "node:path";

/** Where the collector is, in the form in which the exporter passes it on to gRPC as it is. */
export type OtlpEndpoint = {
  /** `<host>:<port>` or `unix://<absolute path>`. */
  target: string;
  isTls: boolean;
};

/** The standard's own. */
export const DEFAULT_ENDPOINT = "http://localhost:4317";

const PORT_MAX = 65_535;
const UNIX_PATH_BYTES_MAX = 107;
const FORMS =
  "must be http://<host>:<port> for plain text, https://<host>:<port> for TLS, or one of gRPC's names: " +
  "<host>:<port>, dns:<host>:<port>, ipv4:<address>:<port>, ipv6:[<address>]:<port>, unix:<path>, " +
  "which mean TLS unless OTEL_EXPORTER_OTLP_INSECURE=true";

/**
 * Reads an endpoint as the OpenTelemetry standard has it, or returns the rule that it breaks. The exporter's own
 * reading is left out, because it means something else by some of them:
 *
 *   given                      the exporter alone                     here
 *   http://host:80             plain text to port 443                 plain text to port 80
 *   http://host                plain text to port 443                 plain text to port 80, a URL's own
 *   HTTP://host:4317           TLS                                    plain text
 *   unix:/run/otel.sock        TLS to a host named unix               that socket
 *   dns:host:4317, ipv4:…      no exporter: every span is lost        that host
 *   grpc://host:4317           TLS                                    refused
 *   http://user:word@host      sent without user and word             refused: headers can say it
 *
 * `isInsecure` counts where there is no http or https: OTEL_EXPORTER_OTLP_INSECURE. The path of a URL is ignored, as
 * gRPC has its own.
 */
export function parseOtlpEndpoint(text: string, isInsecure: boolean): OtlpEndpoint | string {
  const isTls = !isInsecure;
  if (/^https?:\/\//i.test(text)) return parseUrl(text);
  if (text.startsWith("unix:")) return parseUnix(text.slice("unix:".length), isTls);
  // Without a scheme nothing but host and port is meant.
  const name = /^(?:dns:(?:\/\/\/)?|ipv4:|ipv6:)?((?:[\w.-]+|\[[\da-f:.]+\]):(\d{1,5}))$/i.exec(text);
  const port = Number(name?.[2]);
  if (!name || port === 0 || port > PORT_MAX || !URL.canParse(`http://${name[1]}`)) return FORMS;
  return { target: name[1]!, isTls };
}

function parseUrl(text: string): OtlpEndpoint | string {
  if (!URL.canParse(text)) return FORMS;
  const { protocol, hostname, port, username, password, search, hash } = new URL(text);
  if (username !== "" || password !== "")
    return "must have no credentials: say them in OTEL_EXPORTER_OTLP_HEADERS, as authorization=Basic%20<base64>";
  if (search !== "" || hash !== "") return "must have neither query nor fragment";
  if (port === "0") return FORMS;
  const isTls = protocol === "https:";
  return { target: `${hostname}:${port || (isTls ? 443 : 80)}`, isTls };
}

/** gRPC's unix:relative, unix:/absolute and unix:///absolute. */
function parseUnix(path: string, isTls: boolean): OtlpEndpoint | string {
  const absolute = resolve(path.startsWith("//") ? path.slice(2) : path);
  if (path === "" || /^\/\/(?!\/)/.test(path)) return "must name a path: unix:<path> or unix:///<path>";
  if (Buffer.byteLength(absolute) > UNIX_PATH_BYTES_MAX)
    return `must have a path of ${UNIX_PATH_BYTES_MAX} bytes at most`;
  return { target: `unix://${absolute}`, isTls };
}
