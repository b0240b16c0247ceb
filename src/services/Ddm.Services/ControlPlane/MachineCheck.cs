using System.Diagnostics;
using System.Globalization;
using Ddm.Data;
using Ddm.Runs;
using Ddm.Storage;
using Ddm.Tensors;
using TorchSharp;

namespace Ddm.Services;

/// <summary>What <c>ddm doctor</c> finds out about a machine.</summary>
/// <param name="Name">What was looked at.</param>
/// <param name="Good">Whether a run can rely on it.</param>
/// <param name="Finding">What was found, and the remedy where it is not good.</param>
public sealed record MachineCheck(string Name, bool Good, string Finding)
{
    private const int MatrixSide = 1024;
    private const long SmallestFreeSpace = 1L << 30;

    /// <summary>Looks at libtorch, the device, the image library, the home folder, disk, memory and speed.</summary>
    public static async Task<IReadOnlyList<MachineCheck>> RunAsync(string home, CancellationToken cancellationToken) =>
    [
        Try("libtorch", FindTorch), // first: it loads libtorch
        Try("device", () => torch.cuda.is_available() ? $"CUDA, {torch.cuda.device_count()} device(s)" : "CPU only"),
        Try("speed", MeasureMatrixProduct),
        Try("images", FindImages),
        await TryAsync("home", () => ExerciseHomeAsync(home, cancellationToken)),
        FindSpace(home),
        Try("memory", () => string.Create(CultureInfo.InvariantCulture, $"{GC.GetGCMemoryInfo().TotalAvailableMemoryBytes / 1e9:F1} GB")),
    ];

    private static string FindTorch()
    {
        TorchNative.EnsureLoaded();
        return $"{TorchRuntime.LibraryVersions}, {TorchRuntime.CpuCapability}, {torch.get_num_threads()} threads";
    }

    private static string MeasureMatrixProduct()
    {
        using var scope = torch.NewDisposeScope();
        using var noGrad = torch.no_grad();
        var (a, b) = (torch.ones(MatrixSide, MatrixSide), torch.ones(MatrixSide, MatrixSide));
        var best = double.MaxValue;
        for (var trial = 0; trial < 5; trial++)
        {
            var watch = Stopwatch.StartNew();
            using var product = torch.mm(a, b);
            best = Math.Min(best, watch.Elapsed.TotalSeconds);
        }

        return string.Create(CultureInfo.InvariantCulture, $"{2.0 * MatrixSide * MatrixSide * MatrixSide / best / 1e9:F0} GFLOP/s in float32 matrix products");
    }

    private static string FindImages()
    {
        var pixel = new byte[] { 7, 99, 200, 255 };
        var decoded = ImageCodec.DecodeSquare(ImageCodec.EncodePng(pixel, 1, 2, 2), 2, 1);
        return decoded.AsSpan().SequenceEqual(pixel) ? $"libvips {NetVips.NetVips.Version(0)}.{NetVips.NetVips.Version(1)}.{NetVips.NetVips.Version(2)}"
            : throw new InvalidOperationException("a PNG does not come back as it was written");
    }

    // The promises rest on conditional writes: a home where they fail is no home.
    private static async Task<string> ExerciseHomeAsync(string home, CancellationToken cancellationToken)
    {
        NetworkFileSystem.Refuse(home);
        var blobs = new FileBlobStore(home);
        var name = string.Create(CultureInfo.InvariantCulture, $"doctor/{Environment.ProcessId}.json");
        var first = await blobs.TryWriteAsync(name, "1"u8.ToArray(), WriteCondition.IfAbsent, cancellationToken);
        var second = await blobs.TryWriteAsync(name, "2"u8.ToArray(), WriteCondition.IfAbsent, cancellationToken);
        var swapped = first is null ? null : await blobs.TryWriteAsync(name, "3"u8.ToArray(), WriteCondition.IfMatch(first), cancellationToken);
        await blobs.DeleteAsync(name, cancellationToken);
        return first is not null && second is null && swapped is not null
            ? $"{home} takes conditional writes"
            : throw new UserErrorException($"{home} does not keep conditional writes; choose a folder on a local disk with --home DIR.");
    }

    private static MachineCheck FindSpace(string home)
    {
        while (!Directory.Exists(home) && Path.GetDirectoryName(home) is { } above)
        {
            home = above; // not made yet, or not to be made
        }

        var free = new DriveInfo(home).AvailableFreeSpace;
        return new MachineCheck("disk", free >= SmallestFreeSpace, string.Create(CultureInfo.InvariantCulture, $"{free / 1e9:F1} GB free at {home}"));
    }

    private static MachineCheck Try(string name, Func<string> look)
    {
        try
        {
            return new MachineCheck(name, true, look());
        }
        catch (Exception e)
        {
            return new MachineCheck(name, false, (e.InnerException ?? e).Message); // a check that breaks is a finding
        }
    }

    private static async Task<MachineCheck> TryAsync(string name, Func<Task<string>> look)
    {
        try
        {
            return new MachineCheck(name, true, await look());
        }
        catch (Exception e) when (e is not OperationCanceledException)
        {
            return new MachineCheck(name, false, e.Message);
        }
    }
}
