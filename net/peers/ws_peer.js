// Copyright 2026 The Wirebook Authors. SPDX-License-Identifier: Apache-2.0
//
// A server by npm's `ws` (Debian's node-ws): serves one client that echoes and
// exits with 0 if it did all that it should.

'use strict';
const WebSocket = require('ws');

const deflate = process.argv[2] === 'deflate';
const server = new WebSocket.Server({
  host: '127.0.0.1',
  port: 0,
  perMessageDeflate: deflate ? { threshold: 0 } : false,
});
const fail = (what) => {
  console.error(`ws_peer: ${what}`);
  process.exit(1);
};

const payloads = [];
for (const size of [0, 1, 125, 126, 65535, 65536, 1000000]) {
  payloads.push('\u00e9'.repeat(size >> 1) + 'x'.repeat(size & 1));
  payloads.push(Buffer.alloc(size, 0xfe));
}

server.on('listening', () => console.log(server.address().port));
server.on('connection', (socket) => {
  if ((socket.extensions !== '') !== deflate) fail('deflate was not agreed on');
  let echoed = 0;
  let pong = '';
  socket.on('pong', (data) => { pong = data.toString(); });
  socket.on('message', (data, isBinary) => {
    const sent = payloads[echoed];
    if (isBinary !== (typeof sent !== 'string')) fail(`kind of ${echoed}`);
    if (Buffer.compare(data, Buffer.from(sent)) !== 0) fail(`echo ${echoed}`);
    echoed += 1;
    if (echoed === payloads.length) socket.close(1001, 'enough');
  });
  socket.on('close', (code) => {
    if (echoed !== payloads.length) fail(`${echoed} echoes`);
    if (pong !== 'are you there') fail(`pong '${pong}'`);
    if (code !== 1001) fail(`close code ${code}`);
    process.exit(0);
  });
  socket.on('error', (error) => fail(error.message));
  socket.ping('are you there');
  payloads.forEach((payload, i) => {
    if (i % 3 !== 2 || payload.length < 2) {
      socket.send(payload);
      return;
    }
    // In two fragments.
    const half = payload.length >> 1;
    const binary = typeof payload !== 'string';
    socket.send(payload.slice(0, half), { fin: false, binary });
    socket.send(payload.slice(half), { fin: true, binary });
  });
});
