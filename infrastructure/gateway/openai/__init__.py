"""The routes that clients of OpenAI's API call, with what such clients send and need to get."""
