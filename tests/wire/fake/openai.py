"""OpenAI's images: what is drawn or edited comes back inside the reply, with the tokens it took.

POST /v1/images/generations    JSON
POST /v1/images/edits          multipart: image, or image[] repeated, and mask
GET  /v1/models                what the key may use
"""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping
from dataclasses import replace
from decimal import Decimal
from typing import Any, Final

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from infrastructure.clock import SECOND
from tests.wire.fake import files, media
from tests.wire.fake.behaviour import Behaviour
from tests.wire.fake.desk import Desk, Order, as_list, form_inputs
from tests.wire.fake.state import Job, State

MODELS: Final = (
    "gpt-image-1-mini",
    "gpt-image-1.5",
    "gpt-image-2",
    "gpt-image-2-2026-04-21",
    "gpt-image-2.5-sunburst",
    "gpt-image-2.5-sunburst-2026-09-08",
    "gpt-image-2.5-flare",
    "gpt-image-2.5-flare-2026-09-08",
    "gpt-image-2.6-sunburst",
    "gpt-image-2.6-flare",
    "chatgpt-image-latest",
)
OTHERS: Final = ("gpt-image-1.5-2025-12-16", "gpt-6-luna", "text-embedding-3-large")
"""A snapshot that ends, and models of other kinds, of which the list is full."""
LAST: Final = "2026-12-01"
OUTPUT_TOKENS: Final = {"low": 272, "medium": 1_056, "high": 4_160, "xhigh": 6_240, "max": 8_320}
"""For a square picture of 1024 pixels a side; other sizes in proportion to their pixels."""
PARTIAL_TOKENS: Final = 100
"""For each picture on the way."""
COUNTS_OUT: Final = ("output_tokens", "total_tokens")
IMAGE_TOKENS: Final = 323
"""For each picture that comes in."""
RATES: Final = {"text in": Decimal("0.000005"), "image in": Decimal("0.000008"), "image out": Decimal("0.00003")}
"""US dollars a token."""
FORMATS: Final = {"png": "PNG", "jpeg": "JPEG", "webp": "WEBP", "gif": "GIF"}
ALLOWED: Final = {
    "quality": ("auto", *OUTPUT_TOKENS),
    "output_format": tuple(FORMATS),
    "background": ("transparent", "opaque", "auto"),
    "moderation": ("low", "auto"),
}
KNOWN: Final = frozenset(
    ("prompt", "model", "n", "size", "quality", "background", "output_format", "output_compression", "stream", "user")
    + ("partial_images", "complexity", "frame_count", "frame_duration_ms", "svg", "safety_identifier")
)
DRAWING: Final = frozenset({"moderation"})
EDITING: Final = frozenset({"image", "mask", "markup", "input_fidelity", "moderation"})
FIDELITY: Final = {
    "gpt-image-1-mini": ("low",),
    "gpt-image-1.5": ("low", "high"),
    "chatgpt-image-latest": ("low", "high"),
}
ANY_SIZE: Final = ("gpt-image-2",)
FINE: Final = ("gpt-image-2.5", "gpt-image-2.6")
ANIMATED: Final = "gpt-image-2.6"
FRAMES: Final = range(2, 17)
USUAL_FRAMES: Final = 9
LEAST_PIXELS, MOST_PIXELS, LONGEST_SIDE = 655_360, 3_840 * 2_160, 3_840
MEGABYTE: Final = 1024 * 1024
LARGEST_IMAGE: Final = 50 * MEGABYTE
LARGEST_MASK: Final = 4 * MEGABYTE
MOST_IMAGES: Final = 16
LONGEST_PROMPT: Final = 32_000
KINDS: Final = {
    401: ("invalid_request_error", "invalid_api_key"),
    404: ("invalid_request_error", "model_not_found"),
    429: ("requests", "rate_limit_exceeded"),
}


class OpenAI:
    """The images API."""

    def __init__(self, state: State) -> None:
        self.state, self.desk = state, Desk(state)

    def routes(self) -> list[Route]:
        return [
            Route("/v1/images/generations", self.generate, methods=["POST"]),
            Route("/v1/images/edits", self.edit, methods=["POST"]),
            Route("/v1/models", self.models, methods=["GET"]),
        ]

    async def models(self, request: Request) -> Response:
        if not self.desk.knows(request, "openai"):
            return unauthorized()

        async def listed() -> Response:
            return JSONResponse({"object": "list", "data": self.state.setting("models:openai", offered())})

        return await self.desk.read("openai.models", listed, refuse=scripted)

    async def generate(self, request: Request) -> Response:
        if not self.desk.knows(request, "openai"):
            return self.refused(request, unauthorized())
        try:
            inputs = json.loads(await request.body())
        except ValueError:
            return self.refused(request, refusal("We could not parse the JSON body of your request."))
        problem = complaint(inputs)
        return self.refused(request, problem) if problem else await self.order(request, inputs, 0)

    async def edit(self, request: Request) -> Response:
        if not self.desk.knows(request, "openai"):
            return self.refused(request, unauthorized())
        if not request.headers.get("content-type", "").startswith("multipart/form-data"):
            return self.refused(request, refusal("Unsupported content type, use multipart/form-data."))
        inputs = await form_inputs(request)
        images = [one for name in ("image", "image[]") for one in as_list(inputs.get(name))]
        problem = complaint(inputs, edited=True) or picture_complaint(images, inputs.get("mask"))
        problem = problem or markup_complaint(images, inputs)
        return self.refused(request, problem) if problem else await self.order(request, inputs, len(images))

    def refused(self, request: Request, problem: Response) -> Response:
        path = request.url.path.removeprefix("/v1/")
        self.desk.record_refusal(request, "openai", path, problem.status_code)
        return problem

    async def order(self, request: Request, inputs: Mapping[str, Any], images: int) -> Response:
        width, height = size(inputs)
        first, count = (len(self.state.jobs()) + 1) * 7, int(inputs.get("n", 1))
        made = tuple(self.picture(inputs, width, height, first + number) for number in range(count))
        used = tokens(inputs, images, count)
        if partials := wanted_partials(inputs):
            used = {
                name: value + partials * PARTIAL_TOKENS if name in COUNTS_OUT else value for name, value in used.items()
            }
        fixed = self.state.setting(f"price:{inputs['model']}", None)
        path, price = request.url.path.removeprefix("/v1/"), str(cost(used)) if fixed is None else fixed
        order = Order("openai", path, inputs, made, price, extra={"usage": used})
        return await self.desk.submit(request, order, reply=self.reply, refuse=scripted)

    def picture(self, inputs: Mapping[str, Any], width: int, height: int, seed: int) -> bytes:
        wanted = FORMATS[str(inputs.get("output_format", "png"))]
        if wanted != "GIF":
            return media.image(width, height, wanted, seed)
        frames, duration = inputs.get("frame_count", USUAL_FRAMES), inputs.get("frame_duration_ms", 200)
        return media.animation(width, height, int(frames), int(duration), seed)

    async def reply(self, job: Job) -> Response:
        if not job.delivered:
            return scripted(replace(job.behaviour, status=job.behaviour.status if job.behaviour.filtered else 500))
        width, height = size(job.inputs)
        shown: dict[str, Any] = {
            "created": job.created // SECOND,
            "background": "opaque",
            "data": [{"b64_json": self.content(name)} for name in job.outputs],
            "output_format": job.inputs.get("output_format", "png"),
            "quality": quality(job.inputs),
            "size": f"{width}x{height}",
        }
        if job.behaviour.counts is not None:
            counted = dict(job.behaviour.counts)
            svg = {"svg_usage": counted.pop("svg_usage")} if "svg_usage" in counted else {}
            return JSONResponse({**shown, **svg, "usage": counted})
        if as_text(job.inputs.get("stream")) == "true":
            return streamed(job, shown)
        usage = dict(job.extra["usage"])
        match job.behaviour.usage:
            case "full":
                usage["output_tokens_details"] = {"image_tokens": usage["output_tokens"], "text_tokens": 0}
            case "none":
                return JSONResponse(shown)
        return JSONResponse({**shown, "usage": usage})

    def content(self, name: str) -> str | None:
        content = files.inline(self.state, name)
        return None if content is None else base64.b64encode(content).decode()


def wanted_partials(inputs: Mapping[str, Any]) -> int:
    return int(inputs.get("partial_images", 0)) if as_text(inputs.get("stream")) == "true" else 0


def as_text(value: object) -> str:
    """A flag, which a form has as text."""
    return str(value).lower()


def streamed(job: Job, shown: Mapping[str, Any]) -> Response:
    """The picture as events: smaller ones first, and then the whole, if the script lets it come."""
    word = "image_edit" if job.path.endswith("edits") else "image_generation"
    looks = {name: shown[name] for name in ("background", "output_format", "quality", "size")}
    made = {**looks, "created_at": shown["created"]}
    events: list[dict[str, Any]] = []
    for number in range(wanted_partials(job.inputs)):
        picture = base64.b64encode(media.image(64, 64, FORMATS[str(shown["output_format"])], number + 1)).decode()
        events.append({"type": f"{word}.partial_image", "b64_json": picture, "partial_image_index": number, **made})
    if job.behaviour.error:
        error = {"type": "image_generation_user_error", "code": job.behaviour.error, "message": "No.", "param": None}
        events.append({"type": "error", "error": error})
    elif job.behaviour.ending != "never":
        (drawn,) = [one["b64_json"] for one in shown["data"]]
        events.append({"type": f"{word}.completed", "b64_json": drawn, "usage": job.extra["usage"], **made})
    text = "".join(f"event: {one['type']}\ndata: {json.dumps(one)}\n\n" for one in events)
    return Response(text, media_type="text/event-stream")


def offered() -> list[dict[str, Any]]:
    """The list of models, in the API's own shape; those that make no images are there too."""
    ends = dict.fromkeys(
        ("gpt-image-1-mini", "gpt-image-1.5", "gpt-image-1.5-2025-12-16", "chatgpt-image-latest"), LAST
    )
    made = {"object": "model", "created": 1_770_000_000, "owned_by": "system"}
    return [{"id": name, **made, "shutdown_date": ends.get(name)} for name in (*MODELS, *OTHERS)]


def complaint(inputs: Any, edited: bool = False) -> Response | None:
    """What is wrong with the inputs of a call, files left aside."""
    if not isinstance(inputs, dict) or not inputs.get("prompt"):
        return refusal("Missing required parameter: 'prompt'.", "prompt", "missing_required_parameter")
    if len(inputs["prompt"]) > LONGEST_PROMPT:
        return refusal("Invalid 'prompt': string too long.", "prompt", "string_above_max_length")
    if inputs.get("model") not in MODELS:
        return refusal(f"The model {inputs.get('model')!r} does not exist.", "model", "model_not_found", 404)
    known = KNOWN | (EDITING if edited else DRAWING)
    if unknown := next((name for name in inputs if name.partition("[")[0] not in known), None):
        return refusal(f"Unknown parameter: '{unknown}'.", unknown, "unknown_parameter")
    if not str(inputs.get("n", 1)).isdecimal() or not 1 <= int(inputs.get("n", 1)) <= 10:
        return refusal("Invalid 'n': expected a value between 1 and 10.", "n", "invalid_value")
    of_frames = inputs.get("output_format") == "gif"
    if inputs.get("size", "auto") != "auto" and not is_size(str(inputs["size"]), inputs["model"], of_frames):
        return refusal(f"Invalid value: {inputs['size']!r}.", "size", "invalid_value")
    wrong = [name for name, values in ALLOWED.items() if inputs.get(name, values[0]) not in values]
    if wrong:
        return refusal(f"Invalid value: {inputs[wrong[0]]!r}.", wrong[0], "invalid_value")
    return model_complaint(inputs) or format_complaint(inputs) or frame_complaint(inputs)


def model_complaint(inputs: Mapping[str, Any]) -> Response | None:
    """What this very model refuses: https://platform.openai.com, as the types of openai 3.57 document it."""
    model = str(inputs["model"])
    fidelity = inputs.get("input_fidelity")
    if fidelity is not None and fidelity not in FIDELITY.get(model, ()):
        told = f"The model '{model}' does not support the 'input_fidelity' parameter."
        return refusal(told, "input_fidelity", "invalid_input_fidelity_model")
    if inputs.get("quality") in ("xhigh", "max") and not model.startswith(FINE):
        told = f"The model '{model}' does not support the quality '{inputs['quality']}'."
        return refusal(told, "quality", "invalid_value")
    return None


def format_complaint(inputs: Mapping[str, Any]) -> Response | None:
    """What does not go with the format of the output."""
    form = inputs.get("output_format", "png")
    if inputs.get("background") == "transparent" and form not in ("png", "webp"):
        told = f"Transparent background is not supported for the {form} output format."
        return refusal(told, "background", "invalid_value")
    if int(inputs.get("output_compression", 100)) < 100 and form not in ("jpeg", "webp"):
        told = f"Compression less than 100 is not supported for {form.upper()} output format."
        return refusal(told, "output_compression", "invalid_value")
    return None


def frame_complaint(inputs: Mapping[str, Any]) -> Response | None:
    """What is wrong with an animation: its frames are drawn on one sheet, whose pixels they share."""
    if inputs.get("output_format") != "gif":
        stray = next((name for name in ("frame_count", "frame_duration_ms") if name in inputs), None)
        return (
            refusal(f"'{stray}' is only supported with output_format=gif.", stray, "invalid_value") if stray else None
        )
    if not str(inputs["model"]).startswith(ANIMATED):
        return refusal("GIF output is not supported for this model.", "output_format", "invalid_value")
    frames = int(inputs.get("frame_count", USUAL_FRAMES))
    if frames not in FRAMES:
        return refusal("Invalid 'frame_count': expected a value from 2 to 16.", "frame_count", "invalid_value")
    width, height = size(inputs)
    if width * height * frames > MOST_PIXELS:
        return refusal("The requested size is too large for this number of frames.", "size", "invalid_value")
    return None


def markup_complaint(images: list[Any], inputs: Mapping[str, Any]) -> Response | None:
    """What is wrong with notes upon the first picture."""
    markup = inputs.get("markup")
    if markup is None:
        return None
    if not str(inputs["model"]).startswith(FINE):
        return refusal(f"The model '{inputs['model']}' does not support markup.", "markup", "invalid_value")
    if inputs.get("mask") is not None:
        return refusal("'markup' cannot be combined with 'mask'.", "markup", "invalid_value")
    if not isinstance(markup, bytes) or media.media_type(markup) != "image/png":
        return refusal("Invalid markup image format: a transparent PNG is needed.", "markup", "invalid_value")
    if media.size_of(markup) != media.size_of(images[0]):
        return refusal("The markup must have the size of the first image.", "markup", "invalid_value")
    return None


def picture_complaint(images: list[Any], mask: Any) -> Response | None:
    """What is wrong with the files of an edit."""
    if not images:
        return refusal("Missing required parameter: 'image'.", "image", "missing_required_parameter")
    if len(images) > MOST_IMAGES:
        return refusal(f"At most {MOST_IMAGES} images may be given.", "image", "invalid_value")
    for one in images:
        if not isinstance(one, bytes) or media.media_type(one) not in ("image/png", "image/jpeg", "image/webp"):
            return refusal("Invalid image file or mode for image 1.", "image", "invalid_image_file")
        if len(one) > LARGEST_IMAGE:
            return refusal("Image file too large.", "image", "image_too_large", 413)
    if mask is None:
        return None
    if not isinstance(mask, bytes) or media.media_type(mask) != "image/png" or len(mask) > LARGEST_MASK:
        return refusal("Invalid mask image format: a PNG below 4 MB is needed.", "mask", "invalid_mask_image_format")
    if media.size_of(mask) != media.size_of(images[0]):
        return refusal("The mask must have the size of the image.", "mask", "invalid_mask_image_size")
    return None


def is_size(text: str, model: str, of_frames: bool = False) -> bool:
    """Elder models draw three sizes; the others any, in steps of 16 and within their bounds. A frame may be small."""
    if not model.startswith(ANY_SIZE):
        return text in ("1024x1024", "1536x1024", "1024x1536")
    width, _, height = text.partition("x")
    if not (width.isdecimal() and height.isdecimal()):
        return False
    sides = (int(width), int(height))
    least = 1 if of_frames else LEAST_PIXELS
    within = least <= sides[0] * sides[1] <= MOST_PIXELS and max(sides) <= LONGEST_SIDE
    return within and max(sides) <= 3 * min(sides) and not any(side % 16 for side in sides)


def size(inputs: Mapping[str, Any]) -> tuple[int, int]:
    asked = str(inputs.get("size", "auto"))
    usual = (768, 768) if inputs.get("output_format") == "gif" else (1024, 1024)
    width, height = usual if asked == "auto" else map(int, asked.split("x"))
    return width, height


def quality(inputs: Mapping[str, Any]) -> str:
    asked = str(inputs.get("quality", "auto"))
    return "medium" if asked == "auto" else asked


def tokens(inputs: Mapping[str, Any], images: int, count: int) -> dict[str, Any]:
    """The usage, without the details of the output."""
    width, height = size(inputs)
    text, image = -(-len(str(inputs["prompt"])) // 4), IMAGE_TOKENS * images
    output = count * (OUTPUT_TOKENS[quality(inputs)] * width * height // 1024**2)
    details = {"text_tokens": text, "image_tokens": image}
    whole = {"input_tokens": text + image, "output_tokens": output, "total_tokens": text + image + output}
    return {**whole, "input_tokens_details": details}


def cost(usage: Mapping[str, Any]) -> Decimal:
    """US dollars."""
    details = usage["input_tokens_details"]
    incoming = details["text_tokens"] * RATES["text in"] + details["image_tokens"] * RATES["image in"]
    return Decimal(incoming + usage["output_tokens"] * RATES["image out"])


def refusal(message: str, param: str | None = None, code: str | None = None, status: int = 400) -> Response:
    kind = "invalid_request_error" if status < 500 else "server_error"
    return JSONResponse({"error": {"message": message, "type": kind, "param": param, "code": code}}, status)


def unauthorized() -> Response:
    return scripted(Behaviour(status=401, error="Incorrect API key provided."))


def scripted(behaviour: Behaviour) -> Response:
    """The error that a script asks for."""
    if behaviour.filtered:
        text = "Your request was rejected by the safety system."
        error = {"message": text, "type": "image_generation_user_error", "param": None, "code": "moderation_blocked"}
        return JSONResponse({"error": error}, 400)
    kind, code = KINDS.get(
        behaviour.status, ("server_error" if behaviour.status >= 500 else "invalid_request_error", None)
    )
    text = behaviour.error or "The server had an error while processing your request."
    return JSONResponse({"error": {"message": text, "type": kind, "param": None, "code": code}}, behaviour.status)
