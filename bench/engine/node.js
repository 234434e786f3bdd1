// SPDX-License-Identifier: Apache-2.0
// The same edits by JSON.parse and JSON.stringify: bytes in, bytes out. One line of JSON per job.
// usage: node node.js DIR ROUNDS
'use strict';
const fs = require('fs');
const path = require('path');

const states = {open: 'pending', paid: 'settled'};

function rename(o, pairs) {
  const out = {};
  for (const k of Object.keys(o)) out[pairs[k] || k] = o[k];
  return out;
}

function order(o) {
  o = rename(o, {customer: 'customer_id', status: 'state', created: 'created_at', lines: 'items'});
  if (o.state in states) o.state = states[o.state];
  delete o.legacy;
  if (o.shipping) o.shipping = rename(o.shipping, {method: 'carrier'});
  o.items = o.items.map((l) => rename(l, {sku: 'code', qty: 'quantity'}));
  o.channel = 'api';
  return o;
}

function repo(o) {
  o = rename(o, {stargazers_count: 'stars', watchers: 'watcher_count', private: 'is_private', full_name: 'path'});
  if (o.visibility === 'public') o.visibility = 'open';
  delete o.score;
  o.owner = rename(o.owner, {login: 'name'});
  o.archived = false;
  return o;
}

function charge(o) {
  o = rename(o, {balance_transaction: 'transaction', captured: 'is_captured', receipt_url: 'receipt'});
  if (o.status === 'succeeded') o.status = 'done';
  delete o.application;
  o.outcome = rename(o.outcome, {risk_score: 'risk', seller_message: 'message'});
  o.livemode = true;
  return o;
}

function edit(name, d) {
  if (name.startsWith('untouched')) return d;
  if (name.startsWith('order_')) return order(d);
  if (name.startsWith('orders')) return {data: d.data.map(order)};
  if (name.startsWith('github')) return {repos: d.repos.map(repo)};
  return {charges: d.charges.map(charge)};
}

const jobs = new Map();
for (const file of fs.readdirSync(process.argv[2]).sort()) {
  const name = file.split('.')[0];
  if (!jobs.has(name)) jobs.set(name, []);
  jobs.get(name).push(fs.readFileSync(path.join(process.argv[2], file)));
}
for (const [name, bodies] of jobs) {
  const ns = [];
  for (let round = 0; round < Number(process.argv[3]); round++) {
    const start = process.cpuUsage();
    let length = 0;
    for (const body of bodies) length += Buffer.from(JSON.stringify(edit(name, JSON.parse(body)))).length;
    const used = process.cpuUsage(start);
    if (length === 0) throw new Error('nothing written');
    ns.push((used.user + used.system) * 1000);
  }
  ns.sort((a, b) => a - b);
  const bytes = bodies.reduce((n, b) => n + b.length, 0);
  console.log(JSON.stringify({job: name, way: 'node', bytes: bytes / bodies.length, ns: ns[0] / bodies.length,
    median_ns: ns[ns.length >> 1] / bodies.length, gbs: bytes / ns[0], rounds: ns.length}));
}
