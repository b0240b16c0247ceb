"""Writes tests/fixtures/paris-tiny: an ensemble in the layout and under the names of bagellabs/paris, small, with random weights, and what torch answers for it.

    /usr/bin/python3 tests/tools/make_paris.py        (Debian's python3-torch)
"""

import json
import math
import pathlib
import struct

import torch
from torch import nn

ROOT = pathlib.Path(__file__).resolve().parent.parent / "fixtures" / "paris-tiny"
CHANNELS, SIDE, PATCH, HIDDEN, DEPTH, HEADS, TEXT = 4, 8, 2, 32, 2, 2, 16
GRID = SIDE // PATCH


def gelu():
    return nn.GELU(approximate="tanh")


class Time(nn.Module):
    """Sinusoids of t, cosines first, and an MLP. Checkpoints see t times 1000."""

    def __init__(self):
        super().__init__()
        self.mlp = nn.Sequential(nn.Linear(256, HIDDEN), nn.SiLU(), nn.Linear(HIDDEN, HIDDEN))

    def forward(self, t):
        waves = torch.exp(torch.arange(128) * (-math.log(10000) / 128))
        angles = 1000 * t[:, None] * waves
        return self.mlp(torch.cat([angles.cos(), angles.sin()], dim=1))


def normed(x, shift, scale, eps):
    return nn.functional.layer_norm(x, x.shape[-1:], eps=eps) * (1 + scale) + shift


class Block(nn.Module):
    """Attention, attention to the caption where there is one, MLP. Modulated by a table beside what all blocks share (experts), or by a layer of its own (router)."""

    def __init__(self, text, eps):
        super().__init__()
        self.eps = eps
        self.attn = nn.MultiheadAttention(HIDDEN, HEADS, batch_first=True)
        if text:
            self.scale_shift_table = nn.Parameter(torch.empty(6, HIDDEN))
            self.cross_attn = nn.MultiheadAttention(HIDDEN, HEADS, batch_first=True)
        else:
            self.adaLN_modulation = nn.Sequential(nn.SiLU(), nn.Linear(HIDDEN, 6 * HIDDEN))
        self.mlp = nn.Sequential(nn.Linear(HIDDEN, 4 * HIDDEN), gelu(), nn.Linear(4 * HIDDEN, HIDDEN))

    def forward(self, x, modulation, text):
        if text is None:
            modulation = self.adaLN_modulation(modulation).view(-1, 6, HIDDEN)
        else:
            modulation = modulation.view(-1, 6, HIDDEN) + self.scale_shift_table
        shift_a, scale_a, gate_a, shift_m, scale_m, gate_m = (m[:, None] for m in modulation.unbind(1))
        h = normed(x, shift_a, scale_a, self.eps)
        x = x + gate_a * self.attn(h, h, h, need_weights=False)[0]
        if text is not None:
            x = x + self.cross_attn(x, text, text, need_weights=False)[0]
        return x + gate_m * self.mlp(normed(x, shift_m, scale_m, self.eps))


class Final(nn.Module):
    def __init__(self, eps):
        super().__init__()
        self.eps = eps
        self.linear = nn.Linear(HIDDEN, PATCH * PATCH * CHANNELS)
        self.scale_shift_table = nn.Parameter(torch.empty(2, HIDDEN))

    def forward(self, x, time):
        shift, scale = (self.scale_shift_table + time[:, None]).unbind(1)
        return self.linear(normed(x, shift[:, None], scale[:, None], self.eps))


class Expert(nn.Module):
    def __init__(self, eps):
        super().__init__()
        self.patch_embed = nn.Conv2d(CHANNELS, HIDDEN, PATCH, PATCH)
        self.pos_embed = nn.Parameter(torch.empty(1, GRID * GRID, HIDDEN))
        self.time_embed = Time()
        self.text_proj = nn.Linear(TEXT, HIDDEN)
        self.t_block = nn.Sequential(nn.SiLU(), nn.Linear(HIDDEN, 6 * HIDDEN))
        self.layers = nn.ModuleList(Block(True, eps) for _ in range(DEPTH))
        self.final_layer = Final(eps)

    def forward(self, x, t, text):
        h = self.patch_embed(x).flatten(2).transpose(1, 2) + self.pos_embed
        time, text = self.time_embed(t), self.text_proj(text)
        shared = self.t_block(time)
        for layer in self.layers:
            h = layer(h, shared, text)
        h = self.final_layer(h, time).view(-1, GRID, GRID, PATCH, PATCH, CHANNELS)
        return torch.einsum("nhwpqc->nchpwq", h).reshape(-1, CHANNELS, SIDE, SIDE)


class Router(nn.Module):
    def __init__(self, experts):
        super().__init__()
        self.patch_embed = nn.Conv2d(CHANNELS, HIDDEN, PATCH, PATCH)
        self.pos_embed = nn.Parameter(torch.empty(1, GRID * GRID, HIDDEN))
        self.time_embed = Time()
        self.cls_token = nn.Parameter(torch.empty(1, 1, HIDDEN))
        self.layers = nn.ModuleList(Block(False, 1e-6) for _ in range(DEPTH))
        self.head = nn.Sequential(nn.Linear(HIDDEN, HIDDEN), gelu(), nn.LayerNorm(HIDDEN), gelu(), nn.Linear(HIDDEN, experts))

    def forward(self, x, t):
        patches = self.patch_embed(x).flatten(2).transpose(1, 2) + self.pos_embed
        h = torch.cat([self.cls_token.expand(x.shape[0], -1, -1), patches], dim=1)
        time = self.time_embed(t)
        for layer in self.layers:
            h = layer(h, time, None)
        return self.head(h[:, 0])


def fill(network):
    """Nowhere zero; inputs of the first norm are small, so that its eps shows."""
    for name, parameter in network.named_parameters():
        scale = 0.002 if name.startswith(("patch_embed", "pos_embed", "cls_token")) else 0.15
        parameter.data = torch.randn(parameter.shape) * scale
    if hasattr(network, "head"):
        network.head[2].weight.data += 1
    return network.eval()


def save(path, tensors):
    header, data = {}, b""
    for name, tensor in tensors.items():
        raw = tensor.detach().contiguous().numpy().astype("<f4").tobytes()
        header[name] = {"dtype": "F32", "shape": list(tensor.shape), "data_offsets": [len(data), len(data) + len(raw)]}
        data += raw
    text = json.dumps(header).encode()
    text += b" " * (-len(text) % 8)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(struct.pack("<Q", len(text)) + text + data)


def config(path, **entries):
    path.write_text(json.dumps(entries, indent=1) + "\n")


torch.manual_seed(41)
torch.set_num_threads(1)
experts = [fill(Expert(1e-6)), fill(Expert(1e-5))]
router = fill(Router(len(experts)))
x, t, text = torch.randn(3, CHANNELS, SIDE, SIDE), torch.tensor([0.05, 0.5, 1.0]), torch.randn(3, 7, TEXT)
with torch.no_grad():
    velocities = [expert(x, t, text) for expert in experts]
    logits = router(x, t)
    mixed = sum(p[:, None, None, None] * v for p, v in zip(logits.softmax(1).unbind(1), velocities))

shape = dict(num_layers=DEPTH, num_heads=HEADS, patch_size=PATCH, in_channels=CHANNELS, hidden_size=HIDDEN, use_dit_time_embed=True)
config_expert = dict(
    model_type="dit_expert", **shape, out_channels=CHANNELS, mlp_ratio=4.0, use_text_conditioning=True, use_class_conditioning=False, num_classes=1000,
    text_embed_dim=TEXT, use_adaln_single=True, cfg_dropout_prob=0.1)
for k, expert in enumerate(experts):
    save(ROOT / f"expert_{k}" / "diffusion_pytorch_model.safetensors", expert.state_dict())
    eps = {} if k == 0 else {"norm_eps": 1e-5}
    config(ROOT / f"expert_{k}" / "config.json", expert_id=k, **config_expert, **eps)
save(ROOT / "router" / "pytorch_model.safetensors", router.state_dict())
config(ROOT / "router" / "config.json", model_type="router", num_clusters=len(experts), **shape)
config(
    ROOT / "model_index.json", _class_name="DDMPipeline", _diffusers_version="0.21.0", num_experts=len(experts), expert_architecture="dit", router_architecture="dit",
    vae_name="stabilityai/sd-vae-ft-mse", text_encoder_name="openai/clip-vit-large-patch14")
save(ROOT / "io.safetensors", {"x": x, "t": t, "text": text, "logits": logits, "mixed": mixed, **{f"velocity_{k}": v for k, v in enumerate(velocities)}})
print("largest", max(v.abs().max().item() for v in velocities), "logits", logits)
for k, expert in enumerate(experts):
    with torch.no_grad():
        for block in expert.layers:
            block.eps = 1e-5 if k == 0 else 1e-6
        print("eps swapped", k, (expert(x, t, text) - velocities[k]).abs().max().item(), "tensors", len(expert.state_dict()))
print("router tensors", len(router.state_dict()))
