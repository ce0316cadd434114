// Asks a gateway at an address with a key, as one client after another does: each line of standard input is the name of
// one, and what came is printed as one line of JSON.
import { createOpenAI } from "@ai-sdk/openai";
import { createOpenAICompatible } from "@ai-sdk/openai-compatible";
import { DallEAPIWrapper } from "@langchain/openai";
import { generateImage } from "ai";
import OpenAI, { toFile } from "openai";
import { readFile } from "node:fs/promises";
import { createInterface } from "node:readline";

const [, , baseURL, apiKey, picture] = process.argv;
const prompt = "a lake at dawn";

const ways = {
  async "openai generates"() {
    const client = new OpenAI({ baseURL, apiKey });
    const answer = await client.images.generate({ model: "gpt-image-1", prompt, quality: "low" });
    return { pictures: answer.data.map((one) => one.b64_json), usage: answer.usage };
  },
  async "openai edits"() {
    const client = new OpenAI({ baseURL, apiKey });
    const image = await toFile(await readFile(picture), "a.png", { type: "image/png" });
    const answer = await client.images.edit({ model: "gpt-image-2", prompt, image, quality: "low" });
    return { pictures: answer.data.map((one) => one.b64_json), usage: answer.usage };
  },
  async "openai streams"() {
    const client = new OpenAI({ baseURL, apiKey });
    const stream = await client.images.generate({ model: "gpt-image-2", prompt, quality: "low", stream: true });
    const events = [];
    for await (const event of stream) events.push(event);
    return { types: events.map((one) => one.type), pictures: events.map((one) => one.b64_json) };
  },
  async "openai streams on the way"() {
    const client = new OpenAI({ baseURL, apiKey });
    const asked = { model: "gpt-image-2", prompt, quality: "low", stream: true, partial_images: 2 };
    const events = [];
    for await (const event of await client.images.generate(asked)) events.push(event);
    return { types: events.map((one) => one.type), pictures: events.map((one) => one.b64_json) };
  },
  async "openai is refused"() {
    const client = new OpenAI({ baseURL, apiKey });
    try {
      await client.images.generate({ model: "gpt-image-2", prompt, size: "7x7" });
    } catch (error) {
      return { status: error.status, code: error.code, param: error.param, type: error.type };
    }
  },
  async "openai lists models"() {
    const ids = [];
    for await (const one of new OpenAI({ baseURL, apiKey }).models.list()) ids.push(one.id);
    return { ids };
  },
  async "vercel openai"() {
    const model = createOpenAI({ baseURL, apiKey }).image("gpt-image-2");
    const answer = await generateImage({ model, prompt, n: 1, providerOptions: { openai: { quality: "low" } } });
    return { pictures: answer.images.map((one) => one.base64), usage: answer.usage };
  },
  async "vercel openai, four of a model that it does not know"() {
    const model = createOpenAI({ baseURL, apiKey }).image("scripted-image");
    const answer = await generateImage({ model, prompt, n: 4 });
    return { pictures: answer.images.map((one) => one.base64) };
  },
  async "vercel openai edits"() {
    const model = createOpenAI({ baseURL, apiKey }).image("gpt-image-2");
    const images = [await readFile(picture)];
    const options = { openai: { quality: "low" } };
    const answer = await generateImage({ model, prompt: { text: prompt, images }, providerOptions: options });
    return { pictures: answer.images.map((one) => one.base64) };
  },
  async "vercel openai-compatible"() {
    const model = createOpenAICompatible({ name: "studio", baseURL, apiKey }).imageModel("gpt-image-2");
    const answer = await generateImage({ model, prompt, providerOptions: { studio: { quality: "low" } } });
    return { pictures: answer.images.map((one) => one.base64) };
  },
  async langchain() {
    const tool = new DallEAPIWrapper({ model: "dall-e-3", dallEResponseFormat: "b64_json", apiKey, baseUrl: baseURL });
    return { pictures: [await tool.invoke(prompt)].flat() };
  },
};

for await (const name of createInterface({ input: process.stdin })) console.log(JSON.stringify(await ways[name]()));
