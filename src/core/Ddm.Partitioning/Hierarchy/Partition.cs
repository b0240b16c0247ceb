using System.Globalization;
using System.Runtime.InteropServices;
using System.Text.Json;
using Ddm.Storage;

namespace Ddm.Partitioning;

/// <summary>How a feature finds its cluster: the nearest fine centroid, then that centroid's cluster. Part of the model: routers learn these labels.</summary>
/// <param name="Experts">K.</param>
/// <param name="Dimensions">D.</param>
/// <param name="FineCentroids">[F, D] float32, row by row.</param>
/// <param name="CoarseOfFine">[F]: the cluster of each fine centroid.</param>
/// <param name="FineSizes">[F]: rows of the fitted sample nearest to each fine centroid.</param>
/// <param name="CoarseCentroids">[K, D]: means of the fitted sample's clusters.</param>
/// <param name="Inertia">Sum over the fitted sample of the squared distance to the fine centroid.</param>
/// <param name="Cap">Largest cluster asked for, over the mean size.</param>
/// <param name="Warnings">What a person should know, for instance that the cap could not be kept.</param>
public sealed record Partition(
    int Experts, int Dimensions, float[] FineCentroids, int[] CoarseOfFine, long[] FineSizes, float[] CoarseCentroids, double Inertia, double Cap,
    IReadOnlyList<string> Warnings)
{
    private const string Kind = "ddm partition 1";
    private const string FineName = "fine_centroids", CoarseName = "coarse_centroids", MapName = "coarse_of_fine", SizesName = "fine_sizes";

    /// <summary>F.</summary>
    public int Fine => CoarseOfFine.Length;

    /// <summary>[K]: rows of the fitted sample in each cluster.</summary>
    public long[] Sizes
    {
        get
        {
            var sizes = new long[Experts];
            for (var f = 0; f < Fine; f++)
            {
                sizes[CoarseOfFine[f]] += FineSizes[f];
            }

            return sizes;
        }
    }

    /// <summary>Writes the partition as safetensors: equal partitions, equal bytes.</summary>
    public void Save(Stream stream) => SafetensorsWriter.Write(
        stream,
        [(FineName, "F32", [Fine, Dimensions]), (CoarseName, "F32", [Experts, Dimensions]), (MapName, "I64", [Fine]), (SizesName, "I64", [Fine])],
        new Dictionary<string, string>
        {
            ["kind"] = Kind,
            ["inertia"] = Inertia.ToString("R", CultureInfo.InvariantCulture),
            ["cap"] = Cap.ToString("R", CultureInfo.InvariantCulture),
            ["warnings"] = JsonSerializer.Serialize(Warnings),
        },
        (tensor, data) => data.Write(tensor switch
        {
            0 => MemoryMarshal.AsBytes<float>(FineCentroids),
            1 => MemoryMarshal.AsBytes<float>(CoarseCentroids),
            2 => MemoryMarshal.AsBytes<long>(Array.ConvertAll(CoarseOfFine, k => (long)k)),
            _ => MemoryMarshal.AsBytes<long>(FineSizes),
        }));

    /// <summary>Reads what <see cref="Save"/> wrote.</summary>
    /// <param name="stream">Seekable.</param>
    /// <exception cref="InvalidDataException">It is something else, or does not fit together.</exception>
    public static Partition Load(Stream stream)
    {
        var header = SafetensorsHeader.Parse(stream);
        if (header.Metadata.GetValueOrDefault("kind") != Kind)
        {
            throw new InvalidDataException($"The file holds no partition: its kind is '{header.Metadata.GetValueOrDefault("kind")}', '{Kind}' was expected.");
        }

        var (fine, fineShape) = Read<float>(stream, header, FineName, "F32", 2);
        var (coarse, coarseShape) = Read<float>(stream, header, CoarseName, "F32", 2);
        var map = Array.ConvertAll(Read<long>(stream, header, MapName, "I64", 1).Values, k => checked((int)k));
        var sizes = Read<long>(stream, header, SizesName, "I64", 1).Values;
        var (clusters, dimensions) = ((int)coarseShape[0], (int)coarseShape[1]);
        if (map.Length != fineShape[0] || sizes.Length != map.Length || dimensions != fineShape[1] || map.Any(k => k < 0 || k >= clusters))
        {
            throw new InvalidDataException($"The partition does not fit together: {fineShape[0]} fine centroids, " +
                $"a map of {map.Length} into {clusters} clusters.");
        }

        return new Partition(
            clusters, dimensions, fine, map, sizes, coarse, Number(header, "inertia"), Number(header, "cap"),
            JsonSerializer.Deserialize<string[]>(header.Metadata.GetValueOrDefault("warnings") ?? "[]") ?? []);
    }

    private static double Number(SafetensorsHeader header, string key)
        => double.TryParse(header.Metadata.GetValueOrDefault(key), NumberStyles.Float, CultureInfo.InvariantCulture, out var value)
            ? value
            : throw new InvalidDataException($"The partition's metadata '{key}' is no number: '{header.Metadata.GetValueOrDefault(key)}'.");

    private static (T[] Values, long[] Shape) Read<T>(Stream stream, SafetensorsHeader header, string name, string type, int dimensions)
        where T : struct
    {
        var info = header.Tensors.FirstOrDefault(tensor => tensor.Name == name && tensor.DType == type && tensor.Shape.Length == dimensions)
            ?? throw new InvalidDataException($"The partition has no tensor '{name}' of type {type} with {dimensions} dimensions.");
        var bytes = new byte[info.Length];
        stream.Position = header.DataStart + info.Begin;
        stream.ReadExactly(bytes);
        return (MemoryMarshal.Cast<byte, T>(bytes).ToArray(), info.Shape);
    }
}
