using System.Globalization;
using Ddm.Data;

namespace Ddm.Services;

/// <summary>The numbers of a first spec for a source: what a person who knows the field would begin with on one machine.</summary>
/// <param name="ImageSize">Side, pixels.</param>
/// <param name="Channels">1 or 3.</param>
/// <param name="Experts">K.</param>
/// <param name="Fine">Fine centroids.</param>
/// <param name="Preset">The experts' network.</param>
/// <param name="RouterPreset">The router's.</param>
/// <param name="Batch">Images of an expert's step.</param>
/// <param name="Steps">An expert's steps.</param>
/// <param name="RouterSteps">The router's steps.</param>
/// <param name="ImagesPerExpert">About how many training images each expert sees.</param>
public sealed record SpecDraft(
    int ImageSize, int Channels, int Experts, int Fine, string Preset, string RouterPreset, int Batch, int Steps, int RouterSteps, int ImagesPerExpert)
{
    /// <summary>Share held out, as specs have it by default.</summary>
    public const double HeldOut = 0.05;

    /// <summary>Largest side that is proposed: what a CPU or a small GPU trains in hours. Larger ones are for their owner to ask for.</summary>
    public const int LargestSide = 64;

    private const int RowsPerExpert = 2000;
    private const int MostExperts = 16;
    private const int MostFine = 1024;
    private const int MostTokens = 64;
    private const int Epochs = 10;

    private static readonly int[] Sides = [256, 192, 128, 112, 96, 64, 56, 48, 32, 28, 16, 8, 4, 2];
    private static readonly int[] Patches = [1, 2, 4, 7, 8, 14];

    /// <summary>A draft for what was seen of a source.</summary>
    public static SpecDraft For(SourceLook look)
    {
        var side = Side(look.Sizes);
        var training = Math.Max(1, (int)(look.Count * (1 - HeldOut)));
        var experts = Math.Clamp(PowerOfTwo(training / RowsPerExpert), training < 4 ? 1 : 2, MostExperts);
        var fine = Math.Clamp(Math.Min(MostFine, training / 39), Math.Min(training, 4 * experts), Math.Max(training, 1));
        var patch = Patches.First(p => side % p == 0 && (side / p * (side / p) <= MostTokens || p == Patches.Last(q => side % q == 0)));
        var (network, router) = look.Count switch
        {
            < 20_000 => ("DiT-Nano", "DiT-Micro"),
            < 200_000 => ("DiT-Mini", "DiT-Nano"),
            < 2_000_000 => ("DiT-S", "DiT-Mini"),
            _ => ("DiT-B", "DiT-Mini"),
        };
        var each = training / experts;
        var batch = Math.Clamp(PowerOfTwo(each / 8), 1, 64);
        var steps = Round(Math.Clamp((long)Epochs * each / batch, 500, 200_000));
        return new SpecDraft(
            side, look.Grey ? 1 : 3, experts, fine, Named(network, patch), Named(router, patch), batch, steps, Math.Max(200, Round(steps / 3)), each);
    }

    // Pictures of one square size keep it; else three quarters of them should not have to be enlarged.
    private static int Side(IReadOnlyList<ImageHeader> sizes)
    {
        var shorts = sizes.Select(size => Math.Min(size.Width, size.Height)).Order().ToArray();
        var quarter = shorts[shorts.Length / 4];
        var same = sizes.All(size => size.Width == quarter && size.Height == quarter);
        return same && quarter is >= 2 and <= LargestSide && quarter % 2 == 0 ? quarter : Sides.First(side => side <= Math.Clamp(quarter, 2, LargestSide));
    }

    private static string Named(string network, int patch) => string.Create(CultureInfo.InvariantCulture, $"{network}/{patch}");

    private static int PowerOfTwo(long number) => number < 1 ? 1 : 1 << (int)Math.Log2(number);

    // Two digits say as much.
    private static int Round(long steps)
    {
        var unit = (long)Math.Pow(10, Math.Floor(Math.Log10(Math.Max(steps, 10))) - 1);
        return (int)(steps / unit * unit);
    }
}
