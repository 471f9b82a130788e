/** What a browser gets at `/`. */
export const HOME_PAGE = `<!DOCTYPE html>
<html lang="en">
<head>
  <meta charset="utf-8">
  <title>Payment processor</title>
  <style>body { font: 16px/1.5 sans-serif; max-width: 40em; margin: 3em auto; }</style>
</head>
<body>
  <h1>The payment processor is running</h1>
  <p>A simulation of the ones of Rinha de Backend 2025. It takes <code>POST /payments</code> and tells
  <code>GET /payments/service-health</code> and <code>GET /payments/{correlationId}</code>.</p>
</body>
</html>
`;
