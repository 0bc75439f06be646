"""A small client of the YAML language server that editors run: JSON-RPC over its standard input and output.

Comes in: a YAML file's place and text. Goes out: its diagnostics, completions and hovers, as an editor would show them. The
server runs with the schema store off, and with `offline.cjs` before it, which notes and refuses every connection.
"""

from __future__ import annotations

import json
import os
import queue
import shutil
import subprocess
import threading
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent
PROGRAM = HERE / "node_modules" / "yaml-language-server" / "bin" / "yaml-language-server"
OFFLINE = HERE / "offline.cjs"
INSTALLED = shutil.which("node") is not None and PROGRAM.is_file()
PATIENCE = 60  # seconds for one answer
SETTINGS = {"yaml": {"schemaStore": {"enable": False}, "kubernetesCRDStore": {"enable": False}, "completion": True,
                     "hover": True, "validate": True}}


@dataclass
class LanguageServer:
    """A running server; use it as a context. `connections` is the file that would name what it tried to reach."""

    connections: Path
    _process: subprocess.Popen[bytes] = field(init=False)
    _incoming: queue.Queue[dict[str, Any]] = field(default_factory=queue.Queue)
    _diagnostics: dict[str, list[dict[str, Any]]] = field(default_factory=dict)
    _number: int = 0

    def __enter__(self) -> LanguageServer:
        self._process = subprocess.Popen(
            ["node", "--require", str(OFFLINE), str(PROGRAM), "--stdio"], stdin=subprocess.PIPE,
            stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, env=os.environ | {"CONNECTIONS": str(self.connections)})
        threading.Thread(target=self._listen, daemon=True).start()
        self.ask("initialize", processId=os.getpid(), rootUri=None, capabilities={
            "textDocument": {"completion": {"completionItem": {"documentationFormat": ["markdown"]}},
                             "hover": {"contentFormat": ["markdown"]}},
            "workspace": {"configuration": True}})
        self._send(method="initialized", params={})
        self._send(method="workspace/didChangeConfiguration", params={"settings": SETTINGS})
        return self

    def __exit__(self, *_: object) -> None:
        self._process.kill()
        self._process.wait()

    def open(self, path: Path, text: str) -> list[dict[str, Any]]:
        """Shows the server a text as that of the file at `path`, and waits for its diagnostics."""
        uri = path.as_uri()
        self._diagnostics.pop(uri, None)
        self._number += 1
        self._send(method="textDocument/didOpen", params={
            "textDocument": {"uri": uri, "languageId": "yaml", "version": self._number, "text": text}})
        while uri not in self._diagnostics:
            self._take()
        return self._diagnostics[uri]

    def completions(self, path: Path, line: int, character: int) -> dict[str, dict[str, Any]]:
        """What is offered at a position, which counts from 0, by label."""
        found = self.ask("textDocument/completion", **_place(path, line, character))
        return {item["label"]: item for item in (found["items"] if isinstance(found, dict) else found or [])}

    def hover(self, path: Path, line: int, character: int) -> str:
        """The text shown over a position, in Markdown; empty where there is none."""
        found = self.ask("textDocument/hover", **_place(path, line, character))
        return found["contents"]["value"] if found else ""

    def ask(self, method: str, **params: Any) -> Any:
        """The server's answer to one request."""
        self._number += 1
        self._send(id=self._number, method=method, params=params)
        while (answer := self._take()).get("id") != self._number or "method" in answer:
            pass
        assert "error" not in answer, answer
        return answer["result"]

    def _take(self) -> dict[str, Any]:
        """The server's next message; its own questions are answered, its diagnostics are kept."""
        message = self._incoming.get(timeout=PATIENCE)
        if message.get("method") == "textDocument/publishDiagnostics":
            self._diagnostics[message["params"]["uri"]] = message["params"]["diagnostics"]
        elif message.get("method") == "workspace/configuration":
            wanted = [SETTINGS.get(item.get("section")) for item in message["params"]["items"]]
            self._send(id=message["id"], result=wanted)
        elif "method" in message and "id" in message:
            self._send(id=message["id"], result=None)
        return message

    def _send(self, **message: Any) -> None:
        body = json.dumps({"jsonrpc": "2.0", **message}).encode()
        assert self._process.stdin is not None
        self._process.stdin.write(b"Content-Length: %d\r\n\r\n" % len(body) + body)
        self._process.stdin.flush()

    def _listen(self) -> None:
        stream = self._process.stdout
        assert stream is not None
        while header := stream.readline():
            if header.lower().startswith(b"content-length:"):
                length = int(header.split(b":")[1])
                while stream.readline().strip():
                    pass
                self._incoming.put(json.loads(stream.read(length)))


def _place(path: Path, line: int, character: int) -> dict[str, Any]:
    return {"textDocument": {"uri": path.as_uri()}, "position": {"line": line, "character": character}}
