// Node.js: net and JSON, one buffer per connection, the answers of one chunk sent together.
import net from 'node:net';

function answer(payload) {
  const { id, method } = JSON.parse(payload);
  if (method === 'foo') return { jsonrpc: '2.0', id, result: 'ok' };
  return { jsonrpc: '2.0', id, error: { code: -32601, message: 'no such method' } };
}

function frame(message) {
  const text = JSON.stringify(message);
  const buffer = Buffer.allocUnsafe(4 + Buffer.byteLength(text));
  buffer.writeInt32BE(buffer.length - 4);
  buffer.write(text, 4);
  return buffer;
}

const server = net.createServer({ noDelay: true }, (socket) => {
  let input = Buffer.alloc(0);
  socket.on('data', (chunk) => {
    input = input.length === 0 ? chunk : Buffer.concat([input, chunk]);
    let at = 0;
    socket.cork();
    while (input.length - at >= 4) {
      const end = at + 4 + input.readInt32BE(at);
      if (input.length < end) break;
      socket.write(frame(answer(input.toString('utf8', at + 4, end))));
      at = end;
    }
    socket.uncork();
    input = input.subarray(at);
  });
  socket.on('error', () => socket.destroy());
});

server.listen({ host: '127.0.0.1', port: 0, backlog: 4096 }, () => {
  const { address, port } = server.address();
  console.log(`ready listen=${address}:${port}`);
});
