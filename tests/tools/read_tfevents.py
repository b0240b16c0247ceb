"""Reads TensorBoard event files without TensorBoard: TFRecord framing with its checksums, and the protobuf wire format of event.proto and summary.proto.
Prints one JSON object a record. Written from the formats' own descriptions, sharing nothing with the writer."""
import json
import struct
import sys

TABLE = []
for i in range(256):
    c = i
    for _ in range(8):
        c = (c >> 1) ^ (0x82F63B78 if c & 1 else 0)  # Castagnoli, reflected
    TABLE.append(c)


def masked_crc(data):
    crc = 0xFFFFFFFF
    for b in data:
        crc = TABLE[(crc ^ b) & 0xFF] ^ (crc >> 8)
    crc ^= 0xFFFFFFFF
    return (((crc >> 15) | (crc << 17)) + 0xA282EAD8) & 0xFFFFFFFF


def varint(data, at):
    value, shift = 0, 0
    while True:
        value |= (data[at] & 0x7F) << shift
        at, shift = at + 1, shift + 7
        if data[at - 1] < 0x80:
            return value, at


def fields(data):
    at = 0
    while at < len(data):
        key, at = varint(data, at)
        number, kind = key >> 3, key & 7
        if kind == 0:
            value, at = varint(data, at)
        elif kind == 1:
            value, at = struct.unpack_from("<d", data, at)[0], at + 8
        elif kind == 5:
            value, at = struct.unpack_from("<f", data, at)[0], at + 4
        elif kind == 2:
            length, at = varint(data, at)
            value, at = data[at:at + length], at + length
        else:
            raise ValueError(f"wire type {kind}")
        yield number, value


def event(data):
    read = {"scalars": {}, "images": {}, "step": 0}
    for number, value in fields(data):
        if number == 1:
            read["wall_time"] = value
        elif number == 2:
            read["step"] = value
        elif number == 3:
            read["file_version"] = value.decode()
        elif number == 5:
            for _, one in fields(value):
                parts = dict(fields(one))
                tag = parts[1].decode()
                if 2 in parts:
                    read["scalars"][tag] = parts[2]
                elif 4 in parts:
                    image = dict(fields(parts[4]))
                    read["images"][tag] = {"height": image[1], "width": image[2], "colorspace": image[3], "png": image[4][:4].hex()}
    return read


with open(sys.argv[1], "rb") as file:
    content = file.read()
at = 0
while at < len(content):
    length, length_crc = struct.unpack_from("<QI", content, at)
    assert masked_crc(content[at:at + 8]) == length_crc, f"length checksum at {at}"
    data = content[at + 12:at + 12 + length]
    assert len(data) == length, f"cut short at {at}"
    assert masked_crc(data) == struct.unpack_from("<I", content, at + 12 + length)[0], f"data checksum at {at}"
    print(json.dumps(event(data)))
    at += 16 + length
