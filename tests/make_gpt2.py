#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Writes a folder as a published GPT-2 has it, with a small model: config.json, model.safetensors, vocab.json and
merges.txt. Its weights are random but for one thing: words are likelier than single bytes, so that what it writes
can be read. For trying things out, and for tests/tutorial.py.

usage: make_gpt2.py FOLDER
"""
import json
import random
import struct
import sys
from pathlib import Path

LAYERS, HEADS, WIDTH, CONTEXT = 2, 2, 32, 64
WORDS = ("the a one two all of in on to and or but is was sees finds makes takes sleeps falls runs rises old small green "
         "quiet quick river rain hill sea wind tree stone bird fish moon night day time light road house").split()


def byte_characters():
    """The characters that stand for bytes in vocab.json: printable ones for themselves, the others from U+0100 on."""
    out, following = [], 0x100
    for byte in range(256):
        if 33 <= byte <= 126 or 161 <= byte <= 172 or byte >= 174:
            out.append(chr(byte))
        else:
            out.append(chr(following))
            following += 1
    return out


def vocabulary():
    """Bytes, what each merge makes, and the end of a text; and the merges, which lead to " word" from the left."""
    tokens, merges = byte_characters(), []
    space = tokens[32]
    for word in WORDS:
        left = space
        for letter in word:
            if left + letter not in tokens:
                merges.append((left, letter))
                tokens.append(left + letter)
            left += letter
    return [*tokens, "<|endoftext|>"], merges, {space + word for word in WORDS}


def tensors(tokens, words):
    """{name: (shape, numbers)}. The last norm adds to the first channel, in which words are high and the rest low."""
    draw = random.Random(1)
    out = {}

    def put(name, shape, deviation=0.0, mean=0.0):
        count = 1
        for extent in shape:
            count *= extent
        out[name] = (shape, [draw.gauss(mean, deviation) if deviation else mean for _ in range(count)])

    put("wte.weight", [len(tokens), WIDTH], 0.3)
    for i, token in enumerate(tokens):
        out["wte.weight"][1][i * WIDTH] = 1.0 if token in words else -1.0
    put("wpe.weight", [CONTEXT, WIDTH], 0.1)
    for layer in range(LAYERS):
        for name, inputs, outputs in (("attn.c_attn", WIDTH, 3 * WIDTH), ("attn.c_proj", WIDTH, WIDTH),
                                      ("mlp.c_fc", WIDTH, 4 * WIDTH), ("mlp.c_proj", 4 * WIDTH, WIDTH)):
            put(f"h.{layer}.{name}.weight", [inputs, outputs], 0.2)
            put(f"h.{layer}.{name}.bias", [outputs])
        for name in ("ln_1", "ln_2"):
            put(f"h.{layer}.{name}.weight", [WIDTH], mean=1.0)
            put(f"h.{layer}.{name}.bias", [WIDTH])
    put("ln_f.weight", [WIDTH], mean=1.0)
    put("ln_f.bias", [WIDTH])
    out["ln_f.bias"][1][0] = 6.0
    return out


def safetensors(values):
    header, data = {"__metadata__": {"format": "pt"}}, b""
    for name, (shape, numbers) in values.items():
        raw = struct.pack(f"<{len(numbers)}f", *numbers)
        header[name] = {"dtype": "F32", "shape": shape, "data_offsets": [len(data), len(data) + len(raw)]}
        data += raw
    text = json.dumps(header).encode()
    text += b" " * (-len(text) % 8)
    return struct.pack("<Q", len(text)) + text + data


def main(folder):
    folder.mkdir(parents=True, exist_ok=True)
    tokens, merges, words = vocabulary()
    (folder / "config.json").write_text(json.dumps(
        {"model_type": "gpt2", "vocab_size": len(tokens), "n_positions": CONTEXT, "n_embd": WIDTH, "n_head": HEADS,
         "n_layer": LAYERS, "activation_function": "gelu_new"}, indent=2) + "\n")
    (folder / "vocab.json").write_text(json.dumps({token: i for i, token in enumerate(tokens)}))
    (folder / "merges.txt").write_text("#version: 0.2\n" + "".join(f"{a} {b}\n" for a, b in merges), encoding="utf-8")
    (folder / "model.safetensors").write_bytes(safetensors(tensors(tokens, words)))
    print(f"{folder}: a GPT-2 of {LAYERS} layers, width {WIDTH}, {len(tokens)} tokens")


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    main(Path(sys.argv[1]))
