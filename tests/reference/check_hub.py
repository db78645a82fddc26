#!/usr/bin/env python3
"""Checks that sft and the huggingface_hub package share one cache: each finds what the other stored.

    ~/.cache/sft/deps/reference/bin/python tests/reference/check_hub.py [--sft build/bin/sft]

Starts a server with the hub's URL layout on 127.0.0.1, which serves a model made by `sft init` and a
dataset, then fetches in both orders with the network on and off and compares bytes and layout.
"""

import argparse
import hashlib
import http.server
import json
import os
import pathlib
import subprocess
import sys
import tempfile
import threading
import urllib.parse

ROOT = pathlib.Path(__file__).resolve().parents[2]
COMMIT = "c0ffee" + "0" * 34


def git_sha1(data: bytes) -> str:
    return hashlib.sha1(b"blob %d\0" % len(data) + data).hexdigest()


class Hub(http.server.BaseHTTPRequestHandler):
    """GET and HEAD of /api/{kind}/{repo}[/revision|/tree] and /[datasets/]{repo}/resolve."""

    protocol_version = "HTTP/1.1"
    repos: dict[str, dict[str, bytes]] = {}  # "models/owner/name" to name to bytes
    log: list[str] = []

    def log_message(self, *args):
        pass

    def answer(self, status: int, body: bytes, headers: dict[str, str]):
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def listing(self, parts: list[str]):
        repo = "/".join(parts[1:4])
        files = self.repos[repo]
        if "tree" in parts:
            entries = []
            for name, data in sorted(files.items()):
                entry = {"type": "file", "path": name, "size": len(data), "oid": git_sha1(data)}
                if name.endswith(".safetensors"):
                    entry["lfs"] = {"oid": hashlib.sha256(data).hexdigest(), "size": len(data),
                                    "pointerSize": 130}
                entries.append(entry)
            self.answer(200, json.dumps(entries).encode(), {})
            return
        siblings = [{"rfilename": name, "size": len(data)} for name, data in files.items()]
        info = {"id": "/".join(parts[2:4]), "sha": COMMIT, "siblings": siblings, "private": False,
                "tags": [], "downloads": 0, "likes": 0}
        self.answer(200, json.dumps(info).encode(), {})

    def do_GET(self):
        self.log.append(self.command + " " + self.path)
        parts = urllib.parse.unquote(self.path.split("?")[0]).strip("/").split("/")
        if parts[0] == "api":
            self.listing(parts)
            return
        if parts[0] == "storage":
            self.answer(200, self.repos["/".join(parts[1:4])]["/".join(parts[4:])], {})
            return
        kind = parts.pop(0) if parts[0] == "datasets" else "models"
        repo, name = f"{kind}/{parts[0]}/{parts[1]}", "/".join(parts[4:])
        data = self.repos[repo].get(name)
        headers = {"X-Repo-Commit": COMMIT}
        if data is None:
            self.answer(404, b"", {**headers, "X-Error-Code": "EntryNotFound"})
        elif name.endswith(".safetensors"):
            host = f"http://localhost:{self.server.server_address[1]}"  # another host by its name
            headers |= {"Location": f"{host}/storage/{repo}/{name}",
                        "X-Linked-Etag": f'"{hashlib.sha256(data).hexdigest()}"',
                        "X-Linked-Size": str(len(data))}
            self.answer(302, b"", headers)
        else:
            self.answer(200, data, {**headers, "ETag": f'"{git_sha1(data)}"'})

    do_HEAD = do_GET


def start_hub() -> str:
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Hub)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    return f"http://127.0.0.1:{server.server_address[1]}"


def check(what: str, holds: bool):
    print(f"{'ok  ' if holds else 'FAIL'} {what}")
    if not holds:
        sys.exit(1)


def run(binary: str, arguments: list[str], cache: str, offline: bool) -> str:
    environment = dict(os.environ, HF_HUB_CACHE=cache, HF_HUB_OFFLINE="1" if offline else "0")
    done = subprocess.run([binary, *arguments, "--quiet"], env=environment, capture_output=True,
                          text=True, check=False)
    check(f"sft {arguments[0]} exits 0 (it was {done.returncode}) {done.stderr.strip()}",
          done.returncode == 0)
    return done.stdout


def layout(cache: str, with_listings: bool = False) -> dict[str, str]:
    """Every file and link of a cache, without locks and listings, with its bytes' hash or target."""
    entries = {}
    for path in sorted(pathlib.Path(cache).rglob("*")):
        name = str(path.relative_to(cache))
        own = [".locks", "CACHEDIR.TAG", "/trees/", "/sft/", ".no_exist"]
        if path.is_dir() and not path.is_symlink() or any(part in name for part in own):
            continue
        entries[name] = (os.readlink(path) if path.is_symlink()
                         else hashlib.sha256(path.read_bytes()).hexdigest())
    return entries


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    parser.add_argument("--sft", default=str(ROOT / "build" / "bin" / "sft"))
    binary = parser.parse_args().sft

    folder = tempfile.TemporaryDirectory()
    work = pathlib.Path(folder.name)
    (work / "text.txt").write_text("The quick brown fox jumps over the lazy dog.\n" * 50)
    subprocess.run([binary, "init", "--size", "{hidden_size: 32, num_hidden_layers: 1}",
                    "--train-tokenizer", str(work / "text.txt"), "--vocab-size", "280", "--output",
                    str(work / "model"), "--quiet"], check=True)
    model = {path.name: path.read_bytes() for path in (work / "model").iterdir()}
    rows = b'{"instruction": "a", "output": "b"}\n' * 40
    Hub.repos = {"models/acme/tiny": model, "datasets/acme/rows": {"data/train.jsonl": rows}}

    endpoint = start_hub()
    os.environ.update(HF_ENDPOINT=endpoint, HF_HUB_DISABLE_XET="1", HF_HUB_DISABLE_TELEMETRY="1",
                      HF_HUB_DISABLE_PROGRESS_BARS="1", no_proxy="127.0.0.1,localhost")
    os.environ.pop("HF_TOKEN", None)
    import huggingface_hub
    print(f"huggingface_hub {huggingface_hub.__version__}")

    generate = ["generate", "--ckpt", "acme/tiny", "--prompt", "The", "--max-new-tokens", "5"]
    (work / "rows.yaml").write_text("name: rows\nhub: {dataset: acme/rows, files: [data/*.jsonl]}\n"
                                    "fields: {instruction: instruction, response: output}\n")
    (work / "run.yaml").write_text(f"model: acme/tiny\ndata: {{datasets: [{work}/rows.yaml]}}\n"
                                   f"train: {{epochs: 1}}\noutput: {work}/run\n")

    theirs, ours = str(work / "theirs"), str(work / "ours")
    # What huggingface_hub stored, sft finds.
    huggingface_hub.snapshot_download("acme/tiny", cache_dir=theirs)
    huggingface_hub.hf_hub_download("acme/rows", "data/train.jsonl", repo_type="dataset",
                                    cache_dir=theirs)
    asked = len(Hub.log)
    text = run(binary, generate, theirs, offline=True)
    run(binary, generate, theirs, offline=False)
    run(binary, ["train", "--config", str(work / "run.yaml"), "--plan"], theirs, offline=True)
    check("sft asked the hub for nothing that huggingface_hub had stored", len(Hub.log) == asked)

    # What sft stored, huggingface_hub finds.
    check("sft fetches the same model by itself", run(binary, generate, ours, offline=False) == text)
    run(binary, ["train", "--config", str(work / "run.yaml"), "--plan"], ours, offline=False)
    asked = len(Hub.log)
    snapshot = huggingface_hub.snapshot_download("acme/tiny", cache_dir=ours, local_files_only=True)
    for name, data in model.items():
        check(f"huggingface_hub finds {name}", pathlib.Path(snapshot, name).read_bytes() == data)
        found = huggingface_hub.try_to_load_from_cache("acme/tiny", name, cache_dir=ours)
        check(f"and by try_to_load_from_cache {name}", found == str(pathlib.Path(snapshot, name)))
    path = huggingface_hub.hf_hub_download("acme/rows", "data/train.jsonl", repo_type="dataset",
                                           cache_dir=ours, local_files_only=True)
    check("huggingface_hub finds the dataset's file", pathlib.Path(path).read_bytes() == rows)
    check("and asked the hub for nothing", len(Hub.log) == asked)
    huggingface_hub.snapshot_download("acme/tiny", cache_dir=ours)
    check("with the network on it downloads nothing again",
          not any("resolve" in line and line.startswith("GET") for line in Hub.log[asked:]))
    check("both caches hold the same files and links", layout(theirs) == layout(ours))
    info = huggingface_hub.scan_cache_dir(ours)
    check("scan_cache_dir takes the cache for sound", len(info.repos) == 2 and not info.warnings)

    # One waits for the other's lock.
    from huggingface_hub.utils import WeakFileLock
    shared = str(work / "shared")
    etag = hashlib.sha256(model["model.safetensors"]).hexdigest()
    lock = pathlib.Path(shared, ".locks", "models--acme--tiny", etag + ".lock")
    lock.parent.mkdir(parents=True)
    with WeakFileLock(lock):
        environment = dict(os.environ, HF_HUB_CACHE=shared)
        waiting = subprocess.Popen([binary, *generate, "--quiet"], env=environment,
                                   stdout=subprocess.PIPE, text=True)
        try:
            waiting.wait(timeout=5)
            check("sft waits for the lock that huggingface_hub holds", False)
        except subprocess.TimeoutExpired:
            check("sft waits for the lock that huggingface_hub holds", True)
    check("and goes on when it is free", waiting.communicate(timeout=60)[0] == text)
    print("all holds")


if __name__ == "__main__":
    main()
