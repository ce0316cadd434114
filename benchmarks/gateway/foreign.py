"""Asks a gateway as clients of other people do: a program for their environment, which knows nothing of ours.

python foreign.py URL KEY PICTURE

Prints a line of JSON for each: its name, and how many pictures came, or what it was told.
"""

from __future__ import annotations

import base64
import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import litellm
from langchain_community.utilities.dalle_image_generator import DallEAPIWrapper
from langchain_openai import ChatOpenAI

PROMPT = "a lake at dawn"


def _pictures(answer: Any) -> dict[str, Any]:
    return {"pictures": sum(base64.b64decode(one.b64_json).startswith(b"\x89PNG") for one in answer.data)}


def litellm_generates(url: str, key: str, _picture: Path) -> dict[str, Any]:
    """Its own word for a server that speaks OpenAI's language is `openai/` before the model."""
    told = litellm.image_generation(
        model="openai/gpt-image-1", prompt=PROMPT, api_base=url, api_key=key, n=1, size="1024x1024", quality="low"
    )
    return {**_pictures(told), "tokens": told.usage.output_tokens}


def litellm_generates_by_its_proxy(url: str, key: str, _picture: Path) -> dict[str, Any]:
    """Its router, as its proxy has it, with tries of its own."""
    params = {"model": "openai/gpt-image-2", "api_base": url, "api_key": key}
    router = litellm.Router(model_list=[{"model_name": "pictures", "litellm_params": params}], num_retries=2)
    return _pictures(router.image_generation(model="pictures", prompt=PROMPT, quality="low"))


def litellm_edits(url: str, key: str, picture: Path) -> dict[str, Any]:
    with picture.open("rb") as image:
        told = litellm.image_edit(
            model="openai/gpt-image-2", image=image, prompt=PROMPT, api_base=url, api_key=key, quality="low"
        )
    return _pictures(told)


def litellm_is_refused(url: str, key: str, _picture: Path) -> dict[str, Any]:
    try:
        litellm.image_generation(model="openai/gpt-image-2", prompt=PROMPT, api_base=url, api_key=key, size="7x7")
    except litellm.BadRequestError as error:
        return {"refused": error.status_code}
    return {}


def langchain_draws(url: str, key: str, _picture: Path) -> dict[str, Any]:
    """It takes addresses alone, and asks for no form."""
    addresses = DallEAPIWrapper(model="dall-e-3", api_key=key, base_url=url).run(PROMPT)
    return {"pictures": sum(httpx.get(one).headers["content-type"] == "image/png" for one in addresses.split("\n"))}


def langchain_openai_asks_for_the_tool(url: str, key: str, _picture: Path) -> dict[str, Any]:
    """Of pictures it knows OpenAI's tool for conversations alone, of which a gateway for pictures has none."""
    model = ChatOpenAI(model="gpt-6-luna", base_url=url, api_key=key, max_retries=0)
    try:
        model.bind_tools([{"type": "image_generation", "quality": "low"}]).invoke(PROMPT)
    except Exception as error:  # noqa: BLE001 - whichever of its own it raises
        return {"refused": getattr(error, "status_code", None)}
    return {}


ALL: list[Callable[[str, str, Path], dict[str, Any]]] = [
    litellm_generates,
    litellm_generates_by_its_proxy,
    litellm_edits,
    litellm_is_refused,
    langchain_draws,
    langchain_openai_asks_for_the_tool,
]

if __name__ == "__main__":
    for way in ALL:
        told = way(sys.argv[1], sys.argv[2], Path(sys.argv[3]))
        sys.stdout.write(json.dumps({"client": way.__name__.replace("_", " "), **told}) + "\n")
