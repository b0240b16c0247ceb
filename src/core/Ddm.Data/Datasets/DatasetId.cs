using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using Ddm.Runs;

namespace Ddm.Data;

/// <summary>The name of a data set: the same pictures read in the same way have the same one, so that runs share what was ingested.</summary>
public static class DatasetId
{
    // Raised when the same pictures would come out as other pixels or shards. 2: with their captions.
    private const int Schema = 2;

    /// <summary>A hash of the source's fingerprint and of everything in the spec that decides the shards: 20 hexadecimal digits.</summary>
    public static string For(DataSpec spec, IImageSource source)
    {
        var identity = JsonSerializer.Serialize(new object[]
        {
            Schema, source.Fingerprint, spec.ImageSize, spec.Channels, source.ClassNames, spec.HeldOut, spec.ShardRows,
        });
        return Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(identity)))[..20];
    }
}
