using System.Text.Json;
using System.Text.Json.Serialization;

namespace Ddm.Data;

/// <summary>One image in a shard: members of the tar <c>{row:D9}.png</c>, <c>{row:D9}.txt</c> where it has a caption, <c>{row:D9}.json</c>.</summary>
/// <param name="Row">Its row in the source.</param>
/// <param name="Png">The pixels, without loss.</param>
/// <param name="Text">Its caption; null: none.</param>
/// <param name="Facts">The rest.</param>
internal sealed record ShardRow(long Row, byte[] Png, string? Text, ShardRowFacts Facts);

/// <summary>What the JSON beside an image says.</summary>
/// <param name="Label">Index of its class; -1: none.</param>
/// <param name="HeldOut">Never trained on.</param>
/// <param name="Sha256">Of the pixels [C, H, W], lower-case hexadecimal.</param>
/// <param name="Source">Its name in the source.</param>
/// <param name="Group">The pictures it is held out together with; null: it stands alone, and the JSON has no such key.</param>
internal sealed record ShardRowFacts(
    long Label, bool HeldOut, string Sha256, string Source, [property: JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)] string? Group = null)
{
    private static readonly JsonSerializerOptions Options = new(JsonSerializerDefaults.Web)
    {
        RespectRequiredConstructorParameters = true,
        RespectNullableAnnotations = true,
    };

    public byte[] Serialize() => JsonSerializer.SerializeToUtf8Bytes(this, Options);

    public static ShardRowFacts Parse(byte[] json)
        => JsonSerializer.Deserialize<ShardRowFacts>(json, Options) ?? throw new InvalidDataException("an image's JSON holds null");
}
