using System.Diagnostics;
using Ddm.Data;
using Ddm.Runs;

namespace Ddm.Services;

/// <summary>What reading some of a source's pictures took, one at a time.</summary>
/// <param name="Pictures">Pictures measured.</param>
/// <param name="SecondsToIngest">Of one: read, decode, resize, encode.</param>
/// <param name="SecondsToDecode">Of one stored picture.</param>
/// <param name="PngBytes">Mean bytes of a stored picture.</param>
/// <param name="SourceBytes">Mean bytes of a source's picture.</param>
/// <param name="NameBytes">Mean length of its name.</param>
internal sealed record PictureProbe(int Pictures, double SecondsToIngest, double SecondsToDecode, double PngBytes, double SourceBytes, double NameBytes)
{
    private const int Most = 48;

    /// <exception cref="UserErrorException">No picture can be read.</exception>
    public static PictureProbe Measure(DataSpec data, IImageSource source)
    {
        var (ingest, decode, png, raw, name, count) = (0L, 0L, 0L, 0L, 0L, 0);
        foreach (var row in SourceLook.Rows(source.Count, Most + 1))
        {
            try
            {
                var began = Stopwatch.GetTimestamp();
                var image = source.Read(row);
                var stored = ImageCodec.EncodePng(image.ToSquare(data.ImageSize, data.Channels), data.Channels, data.ImageSize, data.ImageSize);
                var ingested = Stopwatch.GetTimestamp();
                ImageCodec.DecodePng(stored);
                if (count > 0 || ingest > 0)
                {
                    (ingest, decode) = (ingest + ingested - began, decode + Stopwatch.GetTimestamp() - ingested);
                    (png, raw, name) = (png + stored.Length, raw + (image.Encoded?.Length ?? image.Pixels!.Pixels.Length), name + image.Name.Length);
                    count++;
                }
                else
                {
                    ingest = 1; // the first pays for the libraries' own start
                }
            }
            catch (BadImageException)
            {
                // set aside in a run as well
            }
        }

        if (count == 0)
        {
            throw new UserErrorException($"too few pictures of data.source '{data.Source}' can be read to measure anything; 'ddm validate' says why.");
        }

        var ticks = (double)Stopwatch.Frequency * count;
        return new PictureProbe(count, ingest / ticks, decode / ticks, (double)png / count, (double)raw / count, (double)name / count);
    }
}
