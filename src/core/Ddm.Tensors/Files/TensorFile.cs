using Ddm.Storage;
using static TorchSharp.torch;

namespace Ddm.Tensors;

/// <summary>
/// Tensors in safetensors files (https://github.com/huggingface/safetensors), bit for bit, in pieces, so that no tensor need fit in a
/// buffer. Values are not looked at: <see cref="TensorBundle.RequireFinite"/> does that.
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

    /// <summary>Reads one file, from the stream's position to its end.</summary>
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
                tensors.Add(info.Name, Read(stream, info, device ?? CPU));
            }
        }
        catch
        {
            foreach (var tensor in tensors.Values)
            {
                tensor.Dispose();
            }

            throw;
        }

        return new TensorBundle(tensors, header.Metadata);
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

    private static Tensor Read(Stream data, TensorInfo info, Device device)
    {
        using var scope = NewDisposeScope();
        var tensor = empty(info.Shape, TensorTypes.Parse(info.Name, info.DType), CPU);
        foreach (var piece in Pieces(tensor))
        {
            using (piece)
            {
                data.ReadExactly(piece.bytes);
            }
        }

        return tensor.to(device).DetachFromDisposeScope();
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
