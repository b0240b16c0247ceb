using Ddm.Storage;
using TorchSharp;
using static TorchSharp.torch;

namespace Ddm.Tensors;

/// <summary>
/// Tensors in safetensors files (https://github.com/huggingface/safetensors), bit for bit, in pieces, so that no tensor need fit in a
/// buffer. Values that are not finite are carried: <see cref="TensorBundle.RequireFinite"/> refuses them.
/// </summary>
public static class TensorFile
{
    private const long PieceBytes = 1 << 26;

    /// <summary>Writes one file: the same tensors in the same order give the same bytes. Makes no tensor that outlives the call.</summary>
    /// <param name="stream">Where to; need not be seekable.</param>
    /// <param name="tensors">Names (unique) and tensors, on any device.</param>
    /// <param name="metadata">Free text for the header.</param>
    /// <exception cref="NotSupportedException">An element type that the format or this program lacks; the message names the tensor.</exception>
    public static void Save(Stream stream, IReadOnlyList<(string Name, Tensor Tensor)> tensors, IReadOnlyDictionary<string, string>? metadata = null)
    {
        TorchNative.EnsureLoaded();
        var layout = tensors.Select(t => (t.Name, TensorTypes.Name(t.Name, t.Tensor.dtype), t.Tensor.shape)).ToArray();
        SafetensorsWriter.Write(stream, layout, metadata ?? new Dictionary<string, string>(), (i, data) => Write(data, tensors[i].Tensor));
    }

    /// <summary>Reads one file, from the stream's position to its end: straight into the tensors' memory, a file by several threads.</summary>
    /// <param name="stream">Seekable.</param>
    /// <param name="device">Where the tensors shall live; null: the CPU.</param>
    /// <returns>The tensors, owned by the bundle whatever dispose scope is open.</returns>
    /// <exception cref="InvalidDataException">Not a well-formed safetensors file; the message says what is wrong and names the tensor.</exception>
    /// <exception cref="NotSupportedException">A tensor of an element type that this program lacks.</exception>
    public static TensorBundle Load(Stream stream, Device? device = null)
    {
        TorchNative.EnsureLoaded();
        var header = SafetensorsHeader.Parse(stream);
        var tensors = new Dictionary<string, Tensor>(StringComparer.Ordinal);
        try
        {
            foreach (var info in header.Tensors)
            {
                using var scope = NewDisposeScope();
                tensors.Add(info.Name, empty(info.Shape, TensorTypes.Parse(info.Name, info.DType), CPU).DetachFromDisposeScope());
            }

            var notFinite = TensorReading.Fill(stream, header, [.. header.Tensors.Select(info => tensors[info.Name])]);
            Move(tensors, device ?? CPU);
            return new TensorBundle(tensors, header.Metadata, notFinite);
        }
        catch
        {
            foreach (var tensor in tensors.Values)
            {
                tensor.Dispose();
            }

            throw;
        }
    }

    /// <summary>Reads one file into tensors that exist, with no copy beside them: the way of large networks.</summary>
    /// <param name="stream">Seekable.</param>
    /// <param name="targets">Tensors by name, contiguous, on the CPU; one of bfloat16 takes a file's float32, rounded. Of a file that is refused while it is read some are overwritten.</param>
    /// <param name="passedOver">Names that the file may have besides.</param>
    /// <exception cref="InvalidDataException">Not a well-formed file; or a tensor is missing, of another shape or type, not finite, or not asked for; the message names it.</exception>
    public static void LoadInto(Stream stream, IReadOnlyDictionary<string, Tensor> targets, IReadOnlyCollection<string> passedOver)
    {
        TorchNative.EnsureLoaded();
        var header = SafetensorsHeader.Parse(stream);
        Require(header, targets, passedOver);
        using var scope = NewDisposeScope();
        var tensors = header.Tensors
            .Select(info => targets.TryGetValue(info.Name, out var target) ? target.detach() : empty(info.Shape, TensorTypes.Parse(info.Name, info.DType), CPU)).ToArray();
        if (TensorReading.Fill(stream, header, tensors).Order(StringComparer.Ordinal).FirstOrDefault() is { } bad)
        {
            throw TensorDemand.NotFinite(bad);
        }
    }

    private static void Require(SafetensorsHeader header, IReadOnlyDictionary<string, Tensor> targets, IReadOnlyCollection<string> passedOver)
    {
        var there = header.Tensors.ToDictionary(info => info.Name, StringComparer.Ordinal);
        foreach (var (name, target) in targets)
        {
            if (!there.TryGetValue(name, out var info))
            {
                throw TensorDemand.Missing(name);
            }

            var (found, wanted) = (TensorTypes.Parse(name, info.DType), target.dtype);
            var rounded = found == ScalarType.Float32 && wanted == ScalarType.BFloat16;
            TensorDemand.RequireLike(name, found, info.Shape, rounded ? found : wanted, target.shape);
        }

        if (there.Keys.FirstOrDefault(name => !targets.ContainsKey(name) && !passedOver.Contains(name)) is { } stray)
        {
            throw new InvalidDataException($"Tensor '{stray}' is none of this network's.");
        }
    }

    private static void Move(Dictionary<string, Tensor> tensors, Device device)
    {
        if (device.type == DeviceType.CPU)
        {
            return;
        }

        foreach (var name in tensors.Keys.ToArray())
        {
            using var near = tensors[name];
            tensors[name] = near.to(device).DetachFromDisposeScope();
        }
    }

    private static void Write(Stream data, Tensor tensor)
    {
        using var scope = NewDisposeScope();
        foreach (var piece in Pieces(tensor.detach().contiguous()))
        {
            using (piece)
            using (var near = piece.cpu())
            {
                data.Write(near.bytes);
            }
        }
    }

    // A span has at most 2^31 bytes; a tensor may have more.
    private static IEnumerable<Tensor> Pieces(Tensor tensor)
    {
        var (count, length) = (tensor.numel(), PieceBytes / tensor.element_size());
        for (long start = 0; start < count; start += length)
        {
            using var flat = tensor.view(-1);
            yield return flat.narrow(0, start, Math.Min(length, count - start));
        }
    }
}
