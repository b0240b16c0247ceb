using Google.Protobuf;

namespace Ddm.EndToEnd.Tests;

/// <summary>A message of protocol buffers by the numbers of its fields, those of variable length alone.</summary>
internal sealed class ProtoMessage
{
    private readonly List<(int Field, ByteString Value)> fields = [];

    public ProtoMessage(byte[] bytes)
    {
        using var input = new CodedInputStream(bytes);
        for (var tag = input.ReadTag(); tag != 0; tag = input.ReadTag())
        {
            if (WireFormat.GetTagWireType(tag) == WireFormat.WireType.LengthDelimited)
            {
                fields.Add((WireFormat.GetTagFieldNumber(tag), input.ReadBytes()));
            }
            else
            {
                input.SkipLastField();
            }
        }
    }

    /// <summary>The messages in a field.</summary>
    public IEnumerable<ProtoMessage> Messages(int field) => fields.Where(found => found.Field == field).Select(found => new ProtoMessage(found.Value.ToByteArray()));

    /// <summary>The text in a field; empty where it is not there.</summary>
    public string Text(int field) => fields.Find(found => found.Field == field).Value?.ToStringUtf8() ?? "";

    /// <summary>The bytes in a field, as hex.</summary>
    public string Hex(int field) => Convert.ToHexStringLower(fields.Find(found => found.Field == field).Value?.ToByteArray() ?? []);
}
