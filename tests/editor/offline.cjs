// Loaded before the language server: every attempt to reach the network is written to the file $CONNECTIONS and refused.
const fs = require("node:fs");
const net = require("node:net");
const dns = require("node:dns");

function refuse(what) {
  return (...words) => {
    fs.appendFileSync(process.env.CONNECTIONS, `${what} ${JSON.stringify(words[0])}\n`);
    throw new Error(`${what} is refused: this test works without a network`);
  };
}

net.Socket.prototype.connect = refuse("connect");
dns.lookup = refuse("lookup");
