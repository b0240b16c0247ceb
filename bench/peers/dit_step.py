"""A training step of a DiT in plain PyTorch: dit_step.py IMAGE CHANNELS PATCH HIDDEN DEPTH HEADS CLASSES BATCH THREADS

The network of Peebles and Xie, "Scalable diffusion models with transformers" (2022), layer for layer as facebookresearch/DiT has it, trained by flow matching
with AdamW, clipped gradients and a running average of the weights: what the C# side does, written as one writes it in Python.
"""

import copy
import math
import sys

import torch
import torch.nn.functional as F
from torch import nn

import peer


def norm(width):
    return nn.LayerNorm(width, elementwise_affine=False, eps=1e-6)


def modulate(x, shift, scale):
    return x * (1 + scale.unsqueeze(1)) + shift.unsqueeze(1)


class TimeEmbedder(nn.Module):
    def __init__(self, hidden, frequencies=256):
        super().__init__()
        self.mlp = nn.Sequential(nn.Linear(frequencies, hidden), nn.SiLU(), nn.Linear(hidden, hidden))
        half = frequencies // 2
        self.register_buffer("waves", torch.exp(-math.log(10000) * torch.arange(half) / half))

    def forward(self, t):
        angles = t[:, None] * self.waves[None]
        return self.mlp(torch.cat([angles.cos(), angles.sin()], dim=-1))


class Attention(nn.Module):
    def __init__(self, hidden, heads):
        super().__init__()
        self.heads = heads
        self.qkv = nn.Linear(hidden, 3 * hidden)
        self.proj = nn.Linear(hidden, hidden)

    def forward(self, x):
        n, t, d = x.shape
        q, k, v = self.qkv(x).reshape(n, t, 3, self.heads, d // self.heads).permute(2, 0, 3, 1, 4).unbind(0)
        if hasattr(F, "scaled_dot_product_attention"):  # PyTorch 2
            mixed = F.scaled_dot_product_attention(q, k, v)
        else:
            mixed = ((q * (d // self.heads) ** -0.5) @ k.transpose(-2, -1)).softmax(dim=-1) @ v
        return self.proj(mixed.transpose(1, 2).reshape(n, t, d))


class Block(nn.Module):
    def __init__(self, hidden, heads):
        super().__init__()
        self.norm1, self.norm2 = norm(hidden), norm(hidden)
        self.attn = Attention(hidden, heads)
        self.mlp = nn.Sequential(nn.Linear(hidden, 4 * hidden), nn.GELU(approximate="tanh"), nn.Linear(4 * hidden, hidden))
        self.modulation = nn.Sequential(nn.SiLU(), nn.Linear(hidden, 6 * hidden))

    def forward(self, x, c):
        shift_msa, scale_msa, gate_msa, shift_mlp, scale_mlp, gate_mlp = self.modulation(c).chunk(6, dim=1)
        x = x + gate_msa.unsqueeze(1) * self.attn(modulate(self.norm1(x), shift_msa, scale_msa))
        return x + gate_mlp.unsqueeze(1) * self.mlp(modulate(self.norm2(x), shift_mlp, scale_mlp))


class DiT(nn.Module):
    def __init__(self, image, channels, patch, hidden, depth, heads, classes):
        super().__init__()
        self.grid, self.patch, self.channels = image // patch, patch, channels
        self.embed = nn.Conv2d(channels, hidden, patch, patch)
        self.time, self.label = TimeEmbedder(hidden), nn.Embedding(classes + 1, hidden)
        self.register_buffer("positions", 0.02 * torch.randn(1, self.grid**2, hidden))
        self.blocks = nn.ModuleList(Block(hidden, heads) for _ in range(depth))
        self.norm, self.modulation = norm(hidden), nn.Sequential(nn.SiLU(), nn.Linear(hidden, 2 * hidden))
        self.final = nn.Linear(hidden, patch * patch * channels)

    def forward(self, x, t, labels):
        x = self.embed(x).flatten(2).transpose(1, 2) + self.positions
        c = self.time(1000 * t) + self.label(labels)
        for block in self.blocks:
            x = block(x, c)
        shift, scale = self.modulation(c).chunk(2, dim=1)
        x = self.final(modulate(self.norm(x), shift, scale))
        n, g, p = x.shape[0], self.grid, self.patch
        return x.reshape(n, g, g, p, p, self.channels).permute(0, 5, 1, 3, 2, 4).reshape(n, self.channels, g * p, g * p)


def adamw(parameters):
    try:
        return torch.optim.AdamW(parameters, lr=1e-4, fused=True), "fused"  # on CPUs from PyTorch 2.4 on
    except (TypeError, RuntimeError):  # older: no such argument, or for CUDA alone
        return torch.optim.AdamW(parameters, lr=1e-4, foreach=True), "foreach"


image, channels, patch, hidden, depth, heads, classes, batch, threads = map(int, sys.argv[1:])
torch.set_num_threads(threads)
torch.manual_seed(1)
network = DiT(image, channels, patch, hidden, depth, heads, classes)
weights = list(network.parameters())
averages = list(copy.deepcopy(network).requires_grad_(False).parameters())
optimizer, kind = adamw(weights)
x0 = torch.rand(batch, channels, image, image) * 2 - 1
labels = torch.randint(0, classes, (batch,))


def round_():
    eps, t = torch.randn_like(x0), torch.rand(batch)
    spread = t.view(-1, 1, 1, 1)
    velocity = network(torch.lerp(x0, eps, spread), t, labels)
    loss = F.mse_loss(velocity, eps - x0)
    optimizer.zero_grad(set_to_none=True)
    loss.backward()
    nn.utils.clip_grad_norm_(weights, 1.0)
    optimizer.step()
    torch._foreach_mul_(averages, 0.9999)
    torch._foreach_add_(averages, [w.detach() for w in weights], alpha=0.0001)
    return {"loss": loss.item()}


peer.serve(round_, {"torch": torch.__version__, "adamw": kind, "blas": peer.blas()})
