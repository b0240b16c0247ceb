using System.Buffers;
using System.Collections.Concurrent;
using System.Runtime.InteropServices;
using Ddm.Storage;
using static TorchSharp.torch;

namespace Ddm.Tensors;

/// <summary>
/// Reads a safetensors file's data into tensors, in pieces of about a processor cache, each looked at for values that are not finite while it is there. A
/// file is read at many places at once, a stream from front to back. What is to be kept as bfloat16 is rounded piece by piece, so that it is nowhere there in full.
/// </summary>
internal static unsafe class TensorReading
{
    private const int PieceBytes = 1 << 20;
    private const long SmallFile = 1 << 22; // below this threads cost more than they save

    /// <summary>Fills the tensors, which are on the CPU and in the header's order, of its types or bfloat16 where that says float32.</summary>
    /// <returns>Names of those with values that are not finite, or that bfloat16 cannot hold.</returns>
    /// <exception cref="EndOfStreamException">The file ends before its data.</exception>
    public static IReadOnlyCollection<string> Fill(Stream stream, SafetensorsHeader header, IReadOnlyList<Tensor> tensors)
    {
        var pieces = Cut(header, tensors);
        var notFinite = new ConcurrentDictionary<string, bool>(StringComparer.Ordinal);
        if (stream is FileStream { CanSeek: true } file && pieces.Sum(piece => (long)piece.Length) >= SmallFile)
        {
            var handle = file.SafeFileHandle;
            Parallel.ForEach(Partitioner.Create(pieces, EnumerablePartitionerOptions.NoBuffering), piece => Read(piece, (span, done) =>
            {
                var read = RandomAccess.Read(handle, span, header.DataStart + piece.Begin + done);
                return read > 0 ? read : throw new EndOfStreamException($"Tensor '{piece.Tensor.Name}' is cut off: the file is shorter than its header says.");
            }));
            file.Position = header.DataStart + header.Tensors.Max(tensor => tensor.End);
        }
        else
        {
            foreach (var piece in pieces)
            {
                Read(piece, (span, _) =>
                {
                    stream.ReadExactly(span);
                    return span.Length;
                });
            }
        }

        return [.. notFinite.Keys];

        void Read(Piece piece, ReadSome read)
        {
            var room = piece.Narrow ? ArrayPool<byte>.Shared.Rent(piece.Length) : null;
            try
            {
                var span = room is null ? new Span<byte>((void*)piece.Address, piece.Length) : room.AsSpan(0, piece.Length);
                for (var done = 0; done < span.Length;)
                {
                    done += read(span[done..], done);
                }

                if (!FiniteCheck.AllFinite(span, piece.Tensor.DType) || (room is not null && !Round(span, piece.Address)))
                {
                    notFinite[piece.Tensor.Name] = true;
                }
            }
            finally
            {
                if (room is not null)
                {
                    ArrayPool<byte>.Shared.Return(room);
                }
            }
        }
    }

    private static bool Round(ReadOnlySpan<byte> values, nint address)
    {
        var target = new Span<ushort>((void*)address, values.Length / sizeof(float));
        BFloat16Rounding.Round(MemoryMarshal.Cast<byte, uint>(values), target);
        return FiniteCheck.AllFinite(MemoryMarshal.AsBytes(target), "BF16");
    }

    private static List<Piece> Cut(SafetensorsHeader header, IReadOnlyList<Tensor> tensors)
    {
        var pieces = new List<Piece>();
        for (var i = 0; i < tensors.Count; i++)
        {
            var info = header.Tensors[i];
            if (info.Length == 0)
            {
                continue;
            }

            var narrow = tensors[i].dtype == ScalarType.BFloat16 && info.DType == "F32";
            using var flat = tensors[i].view(-1);
            using var first = flat.narrow(0, 0, 1);
            fixed (byte* start = first.bytes)
            {
                for (long at = 0; at < info.Length; at += PieceBytes)
                {
                    pieces.Add(new Piece(info, info.Begin + at, (nint)(start + (narrow ? at / 2 : at)), (int)Math.Min(PieceBytes, info.Length - at), narrow));
                }
            }
        }

        return pieces;
    }

    private delegate int ReadSome(Span<byte> target, int done);

    // Native memory does not move: the address stays good as long as the tensor lives.
    private readonly record struct Piece(TensorInfo Tensor, long Begin, nint Address, int Length, bool Narrow);
}
