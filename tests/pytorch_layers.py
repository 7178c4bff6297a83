#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Writes tests/golden/nn/pytorch.safetensors: what PyTorch's layers, optimizers and schedules give, for
src/files/pytorch_test.cc. Needs torch; the test needs the file alone.

usage: pytorch_layers.py FILE
"""
import json
import struct
import sys

import torch
import torch.nn.functional as F
from torch import nn, optim

out = {}


def put(name, tensor):
    out[name] = tensor.detach().contiguous().float().numpy().copy()


def layer(name, module, x):
    put(f"{name}/x", x)
    result = module(x)
    for key, value in module.state_dict().items():
        put(f"{name}/p/{key}", value)
    flat = []
    for value in result if isinstance(result, tuple) else (result,):
        flat += value if isinstance(value, tuple) else [value]
    for i, value in enumerate(flat):
        put(f"{name}/y{i}", value)


def layers():
    x = torch.randn(2, 4, 7, 6)
    for mode in ("zeros", "reflect", "replicate", "circular"):
        layer(f"conv2d_{mode}", nn.Conv2d(4, 6, 3, stride=2, padding=(1, 2), groups=2, padding_mode=mode), x)
    layer("conv1d_same", nn.Conv1d(4, 3, 4, dilation=2, padding="same", padding_mode="circular"), torch.randn(2, 4, 9))
    layer("conv_transpose2d", nn.ConvTranspose2d(4, 6, 3, stride=2, padding=1, output_padding=1, groups=2, dilation=2), x)
    layer("layer_norm", nn.LayerNorm(6), x)
    layer("group_norm", nn.GroupNorm(2, 4), x)
    sequence = torch.randn(2, 4, 3)
    layer("lstm", nn.LSTM(3, 5, num_layers=2, bidirectional=True, batch_first=True), sequence)
    layer("gru", nn.GRU(3, 5, num_layers=2, bidirectional=True, batch_first=True), sequence)
    layer("rnn", nn.RNN(3, 5, num_layers=2, nonlinearity="relu", batch_first=True), sequence)
    put("pool/x", x)
    put("pool/max", F.max_pool2d(x, 3, stride=2, padding=1, ceil_mode=True))
    put("pool/avg", F.avg_pool2d(x, 3, stride=2, padding=1, ceil_mode=True, count_include_pad=False))
    put("pool/adaptive", F.adaptive_avg_pool2d(x, (3, 2)))


def attention():
    module, x = nn.MultiheadAttention(12, 3, batch_first=True), torch.randn(2, 5, 12)
    for p in module.parameters():
        if p.dim() == 1:
            nn.init.normal_(p)
    module.train()  # without dropout, and not by the fast path of inference
    put("attention/x", x)
    padding = torch.tensor([[False] * 3 + [True] * 2, [False] * 5])
    put("attention/padded", module(x, x, x, key_padding_mask=padding)[0])
    put("attention/causal", module(x, x, x, attn_mask=torch.triu(torch.ones(5, 5, dtype=torch.bool), 1))[0])
    for key, value in module.state_dict().items():
        put(f"attention/p/{key}", value)


def batch_norm():
    module, x = nn.BatchNorm2d(4), torch.randn(2, 4, 7, 6) * 2 + 1
    nn.init.normal_(module.weight)
    put("batch_norm/x", x)
    put("batch_norm/weight", module.weight)
    put("batch_norm/trained", module(x))
    put("batch_norm/running_mean", module.running_mean)
    put("batch_norm/running_var", module.running_var)
    module.eval()
    put("batch_norm/evaluated", module(x))


def optimizers():
    weights, x, y = [torch.randn(3, 4), torch.randn(3), torch.randn(2, 3)], torch.randn(6, 4), torch.randn(6, 2)
    for i, w in enumerate(weights):
        put(f"optim/w{i}", w)
    put("optim/x", x)
    put("optim/y", y)

    def run(name, make, clip=lambda params: None, schedule=None):
        params = [w.clone().requires_grad_() for w in weights]
        optimizer = make(params)
        rates = schedule(optimizer) if schedule else None
        for _ in range(6):
            optimizer.zero_grad()
            ((torch.tanh(x @ params[0].T + params[1]) @ params[2].T - y) ** 2).mean().backward()
            clip(params)
            optimizer.step()
            if rates:
                rates.step()
        for i, p in enumerate(params):
            put(f"optim/{name}/w{i}", p)

    def matrices_decay(params):
        return [{"params": [params[0], params[2]]}, {"params": [params[1]], "weight_decay": 0.0}]

    def plain(params):
        return optim.SGD(params, lr=0.1)

    run("sgd", lambda p: optim.SGD(matrices_decay(p), lr=0.1, momentum=0.9, nesterov=True, weight_decay=0.1))
    run("sgd_all_decay", lambda p: optim.SGD(p, lr=0.1, momentum=0.9, weight_decay=0.1))
    run("adam", lambda p: optim.Adam(matrices_decay(p), lr=0.05, weight_decay=0.1))
    run("adamw", lambda p: optim.AdamW(matrices_decay(p), lr=0.05, weight_decay=0.1, betas=(0.8, 0.95), eps=1e-6))
    run("clip_norm", plain, lambda p: nn.utils.clip_grad_norm_(p, 0.5))
    run("clip_value", plain, lambda p: nn.utils.clip_grad_value_(p, 0.1))
    run("cosine", plain, schedule=lambda o: optim.lr_scheduler.CosineAnnealingLR(o, 6, eta_min=0.01))
    run("staircase", plain, schedule=lambda o: optim.lr_scheduler.StepLR(o, 2, 0.5))
    run("multi_step", plain, schedule=lambda o: optim.lr_scheduler.MultiStepLR(o, [1, 4], 0.3))
    run("linear", plain, schedule=lambda o: optim.lr_scheduler.LinearLR(o, 1.0, 0.25, total_iters=4))


def save(path):
    header, data = {}, b""
    for name, value in out.items():
        header[name] = {"dtype": "F32", "shape": list(value.shape), "data_offsets": [len(data), len(data) + value.nbytes]}
        data += value.astype("<f4").tobytes()
    text = json.dumps(header).encode()
    text += b" " * (-len(text) % 8)
    with open(path, "wb") as file:
        file.write(struct.pack("<Q", len(text)) + text + data)


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    torch.manual_seed(0)
    layers()
    attention()
    batch_norm()
    optimizers()
    save(sys.argv[1])
