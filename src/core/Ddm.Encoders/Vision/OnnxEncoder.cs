using System.Globalization;
using System.Security.Cryptography;
using Ddm.Runs;
using Ddm.Tensors;
using Microsoft.ML.OnnxRuntime;
using static TorchSharp.torch;

namespace Ddm.Encoders;

/// <summary>
/// Any image encoder exported to ONNX, run by ONNX Runtime: one input [N, 3, s, s] float32, N free or 1, prepared as the file beside the model says (<see cref="PreparationFile"/>), and as
/// its first output features [N, D], tokens [N, 1 + T, D], the class token first, or maps [N, D, h, w], of which the mean over places is taken.
/// </summary>
public sealed class OnnxEncoder : IImageEncoder
{
    private const string ModelTensor = "onnx", PreparationTensor = "preparation";

    private readonly InferenceSession session;
    private readonly FeaturePooling pooling;
    private readonly string input;
    private readonly string output;
    private readonly string hash;
    private readonly bool takesOne; // of a model whose N is 1
    private readonly PreparedPictures pictures;

    private OnnxEncoder(string name, byte[] model, byte[]? preparation, FeaturePooling pooling)
    {
        this.pooling = pooling;
        hash = Convert.ToHexStringLower(SHA256.HashData([.. model, .. preparation ?? []]))[..12];
        try
        {
            using var options = new SessionOptions();
            options.AddSessionConfigEntry("session.intra_op.allow_spinning", "0"); // waiting threads would take the processors from those that decode
            session = new InferenceSession(model, options);
        }
        catch (OnnxRuntimeException error)
        {
            throw new UserErrorException($"{name} cannot be read as ONNX: {error.Message}", error);
        }

        try
        {
            (input, var shape) = SoleInput(name);
            (output, takesOne) = (session.OutputNames[0], shape[0] == 1);
            var prepared = PreparationFile.Parse(PreparationFile.PathOf(name), preparation, shape[2] < 0 ? null : shape[2]);
            pictures = new PreparedPictures(prepared);
            Dimensions = Probe(name, prepared.Side);
        }
        catch
        {
            session.Dispose();
            throw;
        }
    }

    /// <inheritdoc/>
    public string Id => string.Create(CultureInfo.InvariantCulture, $"onnx-{hash}-{(pooling == FeaturePooling.Cls ? "cls" : "mean")}");

    /// <inheritdoc/>
    public int Dimensions { get; }

    /// <summary>Opens a model's file.</summary>
    /// <exception cref="UserErrorException">There is none, or it is no image encoder, or the file beside it that says how pictures are prepared is wrong.</exception>
    public static OnnxEncoder Open(string path, FeaturePooling pooling)
    {
        var (model, preparation) = Read(path);
        return new OnnxEncoder(path, model, preparation, pooling);
    }

    /// <inheritdoc/>
    public Tensor Encode(Tensor pixels) => pictures.Encode(pixels, Dimensions, Run);

    /// <inheritdoc/>
    public void Dispose()
    {
        session.Dispose();
        pictures.Dispose();
    }

    /// <summary>Writes a model, after a look that it is an image encoder, as a file that <see cref="Load"/> takes.</summary>
    /// <exception cref="UserErrorException">As for <see cref="Open"/>.</exception>
    internal static void Save(string path, FeaturePooling pooling, Stream target)
    {
        var (model, preparation) = Read(path);
        using var probed = new OnnxEncoder(path, model, preparation, pooling);
        using var bytes = tensor(model, ScalarType.Byte);
        using var beside = tensor(preparation ?? [], ScalarType.Byte);
        TensorFile.Save(target, preparation is null ? [(ModelTensor, bytes)] : [(ModelTensor, bytes), (PreparationTensor, beside)]);
    }

    /// <summary>Opens what <see cref="Save"/> wrote.</summary>
    /// <exception cref="InvalidDataException">It holds no model.</exception>
    internal static OnnxEncoder Load(string name, TensorBundle bundle, FeaturePooling pooling)
        => Bytes(bundle, ModelTensor) is { } model
            ? new OnnxEncoder(name, model, Bytes(bundle, PreparationTensor), pooling)
            : throw new InvalidDataException($"{name} holds no ONNX model.");

    private static byte[]? Bytes(TensorBundle bundle, string name)
        => bundle.Tensors.TryGetValue(name, out var bytes) && bytes.dtype == ScalarType.Byte ? bytes.bytes.ToArray() : null;

    private static (byte[] Model, byte[]? Preparation) Read(string path)
    {
        if (!File.Exists(path))
        {
            throw new UserErrorException($"There is no ONNX model at {path}. Give the .onnx file of an image encoder.");
        }

        var beside = PreparationFile.PathOf(path);
        return (File.ReadAllBytes(path), File.Exists(beside) ? File.ReadAllBytes(beside) : null);
    }

    // Its name and shape, -1 where a dimension is free.
    private (string Name, int[] Shape) SoleInput(string name)
    {
        var (found, metadata) = session.InputMetadata.First();
        var fits = session.InputMetadata.Count == 1 && metadata.ElementType == typeof(float)
            && metadata.Dimensions is [< 0 or 1, < 0 or 3, var height, var width] && height == width;
        return fits ? (found, metadata.Dimensions) : throw new UserErrorException(
            $"{name} takes {string.Join(" and ", session.InputMetadata.Select(entry => $"'{entry.Key}' {entry.Value.ElementType.Name} [{string.Join(", ", entry.Value.Dimensions)}]"))}; " +
            "one input [N, 3, s, s] of float32 is needed, N free or 1. Export it so.");
    }

    // D, seen by running two pictures.
    private int Probe(string name, int side)
    {
        using var scope = NewDisposeScope();
        try
        {
            return (int)Run(zeros([2, 3, side, side])).size(1);
        }
        catch (Exception error) when (error is OnnxRuntimeException or InvalidDataException)
        {
            throw new UserErrorException($"{name}: a trial with two pictures failed: {error.Message}", error);
        }
    }

    // [N, 3, s, s] -> [N, D].
    private Tensor Run(Tensor x)
        => takesOne && x.size(0) > 1 ? cat([.. Enumerable.Range(0, (int)x.size(0)).Select(row => RunAtOnce(x.narrow(0, row, 1)))], dim: 0) : RunAtOnce(x);

    private Tensor RunAtOnce(Tensor x)
    {
        var memory = x.contiguous().data<float>().ToArray();
        using var value = OrtValue.CreateTensorValueFromMemory(memory, x.shape);
        using var options = new RunOptions();
        using var results = session.Run(options, [input], [value], [output]);
        var (result, type) = (results[0], results[0].GetTensorTypeAndShape());
        if (type.ElementDataType != Microsoft.ML.OnnxRuntime.Tensors.TensorElementType.Float || type.Shape.Length is not (2 or 3 or 4) || type.Shape[0] != x.size(0))
        {
            throw new InvalidDataException($"output '{output}' is {type.ElementDataType} [{string.Join(", ", type.Shape)}]; float32 [N, D], [N, 1 + T, D] or [N, D, h, w] is needed.");
        }

        return Pool(tensor(result.GetTensorDataAsSpan<float>().ToArray(), type.Shape));
    }

    private Tensor Pool(Tensor features) => features.dim() switch
    {
        2 => features,
        3 => pooling == FeaturePooling.Cls ? features.select(1, 0) : features.narrow(1, 1, features.size(1) - 1).mean([1L]),
        _ => features.mean([2L, 3L]),
    };
}
