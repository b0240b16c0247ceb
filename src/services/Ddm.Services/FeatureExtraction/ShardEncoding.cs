using System.Threading.Channels;
using Ddm.Data;
using Ddm.Storage;
using TorchSharp;

namespace Ddm.Services;

/// <summary>
/// Encodes a shard's pictures on the device thread while the next ones are read and decoded beside it. Three batches of pictures are in memory at most: one that is
/// encoded, one that waits, one that is decoded.
/// </summary>
public sealed class ShardEncoding(IRunProgress progress, TimeProvider time)
{
    private const int Waiting = 1;

    /// <summary>Encodes a shard.</summary>
    /// <typeparam name="T">The encoder.</typeparam>
    /// <param name="open">Where it is kept.</param>
    /// <param name="encode">[n, C, H, W] uint8 to [n, ...], on the device thread.</param>
    /// <param name="work">What is encoded.</param>
    /// <param name="tensor">Name and safetensors type of the result.</param>
    /// <param name="cancellationToken">Ends the work without a result.</param>
    /// <returns>A safetensors file with the one tensor, rows in the shard's order.</returns>
    /// <exception cref="InvalidDataException">The shard or the encoder is missing or damaged.</exception>
    public async Task<byte[]> RunAsync<T>(
        OpenOnDevice<T> open, Func<T, torch.Tensor, torch.Tensor> encode, ShardWork work, (string Name, string Type) tensor, CancellationToken cancellationToken)
        where T : class, IDisposable
    {
        using var ending = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        var batches = Channel.CreateBounded<byte[]>(Waiting);
        var telling = new ShardProgress(progress, time, work, EncodingProgress.Images);
        var reading = Task.Run(() => ReadAsync(work, batches.Writer, ending.Token), CancellationToken.None);
        try
        {
            var encoded = new List<(byte[] Data, long[] Shape)>();
            await foreach (var pixels in batches.Reader.ReadAllAsync(cancellationToken))
            {
                var batch = await open.UseAsync(work.Document, encoder => telling.Encode(() => Encode(encoder, encode, pixels, work.Dataset.Format)), cancellationToken);
                encoded.Add(batch);
                telling.Add(batch.Shape[0]);
            }

            return Write(encoded, tensor);
        }
        finally
        {
            await ending.CancelAsync();
            await reading; // it throws nothing: what goes wrong goes through the channel
        }
    }

    private static async Task ReadAsync(ShardWork work, ChannelWriter<byte[]> batches, CancellationToken cancellationToken)
    {
        try
        {
            await foreach (var pixels in work.Dataset.ReadPixelsAsync(work.Shard, work.BatchRows, cancellationToken))
            {
                await batches.WriteAsync(pixels, cancellationToken);
            }

            if (work.Dataset.Manifest.Shards[work.Shard].Rows == 0)
            {
                await batches.WriteAsync([], cancellationToken); // its result has a shape all the same
            }

            batches.TryComplete();
        }
        catch (Exception error)
        {
            batches.TryComplete(error); // thrown where the batches are taken
        }
    }

    private static (byte[] Data, long[] Shape) Encode<T>(T encoder, Func<T, torch.Tensor, torch.Tensor> encode, byte[] pixels, RowFormat format)
    {
        using var scope = torch.NewDisposeScope();
        using var noGradient = torch.no_grad();
        var encoded = encode(encoder, torch.tensor(pixels, [pixels.Length / format.RowBytes, format.Channels, format.Size, format.Size], torch.ScalarType.Byte)).contiguous();
        return (encoded.bytes.ToArray(), encoded.shape);
    }

    private static byte[] Write(List<(byte[] Data, long[] Shape)> parts, (string Name, string Type) tensor)
    {
        long[] shape = [parts.Sum(part => part.Shape[0]), .. parts[0].Shape[1..]];
        using var stream = new MemoryStream();
        SafetensorsWriter.Write(stream, [(tensor.Name, tensor.Type, shape)], new Dictionary<string, string>(), (_, data) => parts.ForEach(part => data.Write(part.Data)));
        return stream.ToArray();
    }
}
