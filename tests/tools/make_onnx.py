"""Writes tests/fixtures/onnx-*: tiny image encoders as torch.onnx exports them, and what torch answers to pictures that a formula gives.

    /usr/bin/python3 tests/tools/make_onnx.py        (Debian's python3-torch)
"""

import json
import pathlib
import struct

import torch

root = pathlib.Path(__file__).resolve().parent.parent / "fixtures"


class Features(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.patches = torch.nn.Conv2d(3, 12, 32, 32)
        self.head = torch.nn.Linear(12, 10)

    def forward(self, x):
        return self.head(torch.tanh(self.patches(x)).mean((2, 3)))


class Tokens(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.patches = torch.nn.Conv2d(3, 12, 56, 56)
        self.token = torch.nn.Parameter(torch.randn(1, 1, 12))
        self.mix = torch.nn.Linear(12, 8)

    def forward(self, x):
        tokens = self.patches(x).flatten(2).transpose(1, 2)
        return self.mix(torch.tanh(torch.cat([self.token + tokens.mean(1, keepdim=True), tokens], 1)))


class Maps(torch.nn.Module):
    """As old exports are: one picture at a time, blue first, values to 255, maps out."""

    def __init__(self):
        super().__init__()
        self.patches = torch.nn.Conv2d(3, 12, 32, 32)

    def forward(self, x):
        return torch.tanh(self.patches(x / 64))


def save(path, tensors):
    """safetensors, float32."""
    header, data = {}, b""
    for name, tensor in tensors.items():
        raw = tensor.contiguous().numpy().tobytes()
        header[name] = {"dtype": "F32", "shape": list(tensor.shape), "data_offsets": [len(data), len(data) + len(raw)]}
        data += raw
    text = json.dumps(header).encode()
    text += b" " * (-len(text) % 8)
    path.write_bytes(struct.pack("<Q", len(text)) + text + data)


n, c, row, column = torch.meshgrid(torch.arange(3), torch.arange(3), torch.arange(256), torch.arange(256), indexing="ij")
pixels = ((7 * row + 13 * column + 31 * c + 57 * n) % 256).float()  # 256 x 256: resampling changes nothing, the middle is taken

torch.manual_seed(1)
for name, network in (("onnx-features", Features()), ("onnx-tokens", Tokens())):
    folder = root / name
    folder.mkdir(exist_ok=True)
    x = pixels[:, :, 16:240, 16:240] / 255
    x = (x - torch.tensor([0.485, 0.456, 0.406]).view(1, 3, 1, 1)) / torch.tensor([0.229, 0.224, 0.225]).view(1, 3, 1, 1)
    with torch.no_grad():
        save(folder / "io.safetensors", {"output": network(x)})
        torch.onnx.export(network, x, str(folder / "model.onnx"), input_names=["pixels"], output_names=["output"], dynamic_axes={"pixels": {0: "n"}, "output": {0: "n"}}, opset_version=13)

torch.manual_seed(2)
folder, network = root / "onnx-one", Maps()
folder.mkdir(exist_ok=True)
preparation = {"image_size": 96, "resize": 256, "channels": "bgr", "scale": 255, "mean": [103, 116, 123], "std": [2, 4, 8]}
(folder / "model.json").write_text(json.dumps(preparation) + "\n")
x = pixels[:, :, 80:176, 80:176].flip(1)
x = (x - torch.tensor(preparation["mean"]).view(1, 3, 1, 1)) / torch.tensor(preparation["std"]).view(1, 3, 1, 1)
with torch.no_grad():
    save(folder / "io.safetensors", {"output": network(x).mean((2, 3))})
    torch.onnx.export(network, x[:1], str(folder / "model.onnx"), input_names=["Input7"], output_names=["Pooling9_Output_0"], opset_version=9)
