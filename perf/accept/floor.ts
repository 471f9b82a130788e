/** The floor: a uWS handler that only reads the body and answers 202. `node build/perf/accept/floor.js <port>` */
import uws from "uWebSockets.js";

const port = Number(process.argv[2]);
const ignore = (): void => {};
let bodyBytes = 0;

const app = uws.App();
app.get("/health", (res) => {
  res.end("ok");
});
app.post("/payments", (res) => {
  res.onAborted(ignore);
  res.onData((chunk, isLast) => {
    bodyBytes += chunk.byteLength;
    if (!isLast) return;
    res.cork(() => {
      res.writeStatus("202 Accepted");
      res.end();
    });
  });
});
app.listen("127.0.0.1", port, (socket) => {
  if (!socket) throw new Error(`cannot listen: port=${port}`);
});
process.on("SIGTERM", () => process.exit(bodyBytes >= 0 ? 0 : 1));
