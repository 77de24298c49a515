"""The page at /docs: the addresses of the service, made from its OpenAPI description. It loads no other file."""

from __future__ import annotations

import html
import json
from typing import Any

CURL = {
    "image": "curl --data-binary @image.png -H 'Content-Type: image/png' {address}/predict",
    "sound": "curl --data-binary @sound.wav -H 'Content-Type: audio/wav' {address}/predict",
    "text": "curl --data-binary 'A good film.' -H 'Content-Type: text/plain' {address}/predict",
    "numbers": "curl --data-binary '{{\"inputs\": [...]}}' -H 'Content-Type: application/json' {address}/predict",
}
"""How to send each kind of input."""
STYLE = (
    "body{font:16px/1.5 sans-serif;max-width:50rem;margin:2rem auto;padding:0 1rem}pre{overflow-x:auto;background:#eee}"
)
FILES = {"image": ("image/png", "image/jpeg"), "sound": ("audio/wav", "audio/flac"), "text": ("text/plain",)}
KEYS = {"image": "image", "sound": "sound", "text": "text", "numbers": "inputs"}


def request_body(kinds: list[str]) -> dict[str, Any]:
    """What /predict reads, for OpenAPI.

    >>> sorted(request_body(["text"])["requestBody"]["content"])
    ['application/json', 'text/plain']
    """
    content: dict[str, Any] = {
        name: {"schema": {"type": "string", **({} if kind == "text" else {"format": "binary"})}}
        for kind in kinds
        for name in FILES.get(kind, ())
    }
    keys = {
        KEYS[kind]: {"type": "array"} if kind == "numbers" else {"type": "string", "description": _coded(kind)}
        for kind in kinds
    }
    schema = {"type": "object", "properties": keys, "minProperties": 1, "maxProperties": 1}
    content["application/json"] = {"schema": schema}
    return {"requestBody": {"required": True, "content": content}}


def _coded(kind: str) -> str:
    return "the text" if kind == "text" else f"a file of the {kind}, in base64"


def page(description: dict[str, Any], model: dict[str, Any], address: str) -> str:
    """The page as HTML. description: of OpenAPI. model: what /model returns. address: of the service."""
    parts = [f"<h1>{_said(description['info']['title'])}</h1>", _model(model), "<h2>Addresses</h2>"]
    for path, methods in description["paths"].items():
        for method, facts in methods.items():
            parts.append(f"<h3>{method.upper()} {_said(path)}</h3><p>{_said(facts.get('summary', ''))}</p>")
            if "requestBody" in facts:
                parts.append(_code(facts["requestBody"]["content"]))
    calls = [CURL[kind].format(address=address) for kind in model["reads"]]
    parts += ["<h2>Examples</h2>", *(f"<pre>{_said(call)}</pre>" for call in calls)]
    parts.append('<p>The description for programs: <a href="openapi.json">openapi.json</a></p>')
    head = f'<meta charset="utf-8"><title>{_said(description["info"]["title"])}</title><style>{STYLE}</style>'
    return f'<!doctype html><html lang="en"><head>{head}</head><body><main>{"".join(parts)}</main></body></html>'


def _model(model: dict[str, Any]) -> str:
    return f"<p>The model of <code>{_said(model['record'])}</code>:</p>{_code(model)}"


def _code(value: Any) -> str:
    return f"<pre>{_said(json.dumps(value, indent=1))}</pre>"


def _said(text: Any) -> str:
    return html.escape(str(text))
