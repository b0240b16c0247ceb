using System.Globalization;
using System.Security.Cryptography;
using Ddm.Runs;
using Ddm.Tensors;

namespace Ddm.Data;

/// <summary>Pictures of a source in memory, for what is trained outside a run: the same squares, the same held-out rows and the same quarantine as a run's ingest makes of them.</summary>
/// <param name="Rows">Usable pictures in the order of the source, each told whether it is held out.</param>
/// <param name="Bad">Pictures that could not be used.</param>
/// <param name="Listed">Pictures of the source; more than were looked at where they are too many for memory.</param>
/// <param name="Sha256">Of all pixels: another sum, other pictures.</param>
public sealed record PictureSet(ImageRows Rows, IReadOnlyList<QuarantinedImage> Bad, int Listed, string Sha256)
{
    private const int ChunkRows = 256, Shown = 3;

    /// <summary>Places in <see cref="Rows"/> that may be trained on.</summary>
    public IReadOnlyList<int> Training { get; } = Places(Rows, heldOut: false);

    /// <summary>Places in <see cref="Rows"/> that must not.</summary>
    public IReadOnlyList<int> HeldOut { get; } = Places(Rows, heldOut: true);

    /// <summary>Reads a source.</summary>
    /// <param name="spec">Side, channels, and the shares that are held out and may be unusable.</param>
    /// <param name="source">The pictures.</param>
    /// <param name="mostBytes">Pixels kept at most, bytes, below 2^31. Of a larger source pictures drawn by the seed are taken.</param>
    /// <param name="seed">Draws them.</param>
    /// <param name="progress">Told how many pictures have been looked at, of how many.</param>
    /// <param name="cancellationToken">Looked at between pictures.</param>
    /// <exception cref="UserErrorException">Too many pictures are unusable, none is usable, or all are held out.</exception>
    public static PictureSet Read(DataSpec spec, IImageSource source, long mostBytes, long seed, Action<int, int>? progress, CancellationToken cancellationToken)
    {
        var format = new RowFormat(spec.Channels, spec.ImageSize);
        var chosen = Choose(source.Count, mostBytes / format.RowBytes, seed);
        var reading = new Reading(spec, source, format, chosen);
        for (var at = 0; at < chosen.Length; at += ChunkRows)
        {
            reading.Take(at, Math.Min(ChunkRows, chosen.Length - at), cancellationToken);
            progress?.Invoke(Math.Min(at + ChunkRows, chosen.Length), chosen.Length);
        }

        Require(spec, reading, chosen.Length);
        return new PictureSet(reading.Rows(), reading.Bad, source.Count, reading.Sha256());
    }

    private static int[] Choose(int count, long most, long seed)
    {
        if (count <= most)
        {
            return [.. Enumerable.Range(0, count)];
        }

        var permutation = new FeistelPermutation(count, Philox.Create(seed, role: 0, RandomStreams.Sampling));
        return [.. Enumerable.Range(0, (int)most).Select(i => (int)permutation[i]).Order()];
    }

    private static void Require(DataSpec spec, Reading reading, int looked)
    {
        var examples = string.Join("; ", reading.Bad.Take(Shown).Select(image => $"{image.Source}: {image.Reason}"));
        if (reading.Bad.Count > spec.MaxBad * looked)
        {
            throw new UserErrorException(string.Create(CultureInfo.InvariantCulture,
                $"{reading.Bad.Count} of {looked} pictures of '{spec.Source}' cannot be used, and {Math.Floor(spec.MaxBad * looked)} may be so. The first: {examples}. Mend or remove them."));
        }

        if (reading.Used == 0)
        {
            throw new UserErrorException($"'{spec.Source}' holds no picture. Point to pictures to train on.");
        }

        if (reading.Kept == reading.Used)
        {
            throw new UserErrorException(string.Create(CultureInfo.InvariantCulture,
                $"All {reading.Used} pictures of '{spec.Source}' fall into the held-out share of {spec.HeldOut}, none is left to train on. Lower the share or give more pictures."));
        }
    }

    private static int[] Places(ImageRows rows, bool heldOut) => [.. Enumerable.Range(0, rows.Count).Where(row => rows.HeldOut[row] == heldOut)];

    /// <summary>The pictures read so far, one behind the other.</summary>
    private sealed class Reading(DataSpec spec, IImageSource source, RowFormat format, int[] chosen)
    {
        private readonly byte[] pixels = new byte[chosen.Length * format.RowBytes];
        private readonly List<long> labels = [], ids = [];
        private readonly List<bool> heldOut = [];
        private readonly IncrementalHash sum = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);

        public List<QuarantinedImage> Bad { get; } = [];

        public int Used => labels.Count;

        public int Kept => heldOut.Count(held => held);

        public void Take(int first, int count, CancellationToken cancellationToken)
        {
            var (read, bad) = (new (long Label, byte[] Planes, byte[] Hash)?[count], new QuarantinedImage?[count]);
            ParallelRows.For(count, i => (read[i], bad[i]) = Read(chosen[first + i]), cancellationToken);
            Bad.AddRange(bad.OfType<QuarantinedImage>());
            for (var i = 0; i < count; i++)
            {
                if (read[i] is { } picture)
                {
                    picture.Planes.CopyTo(pixels, (long)Used * format.RowBytes);
                    labels.Add(picture.Label);
                    ids.Add(chosen[first + i]);
                    heldOut.Add(HeldOutRule.IsHeldOut(picture.Hash, spec.HeldOut));
                    sum.AppendData(picture.Hash);
                }
            }
        }

        public ImageRows Rows() => new(pixels[..(Used * format.RowBytes)], [.. labels], [.. heldOut], [.. ids], format);

        public string Sha256() => Convert.ToHexStringLower(sum.GetCurrentHash());

        private ((long Label, byte[] Planes, byte[] Hash)? Picture, QuarantinedImage? Bad) Read(int row)
        {
            try
            {
                var image = source.Read(row);
                var planes = image.ToSquare(spec.ImageSize, spec.Channels);
                return ((image.Label, planes, SHA256.HashData(planes)), null);
            }
            catch (BadImageException error)
            {
                return (null, new QuarantinedImage(row, source.NameOf(row), error.Message));
            }
        }
    }
}
