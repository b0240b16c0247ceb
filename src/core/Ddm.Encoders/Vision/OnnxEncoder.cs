using System.Globalization;
using System.Security.Cryptography;
using Ddm.Runs;
using Ddm.Tensors;
using Microsoft.ML.OnnxRuntime;
using static TorchSharp.torch;

namespace Ddm.Encoders;

/// <summary>
/// Any image encoder exported to ONNX, run by ONNX Runtime: one input [N, 3, 224, 224] float32, prepared as <see cref="ImageNetPreprocessing"/> says, and as its first output features
/// [N, D] or tokens [N, 1 + T, D], the class token first.
/// </summary>
public sealed class OnnxEncoder : IImageEncoder
{
    private const string ModelTensor = "onnx";

    private readonly InferenceSession session;
    private readonly FeaturePooling pooling;
    private readonly string input;
    private readonly string output;
    private readonly string hash;
    private readonly PreparedPictures pictures = new();

    private OnnxEncoder(string name, byte[] model, FeaturePooling pooling)
    {
        this.pooling = pooling;
        hash = Convert.ToHexStringLower(SHA256.HashData(model))[..12];
        try
        {
            session = new InferenceSession(model);
        }
        catch (OnnxRuntimeException error)
        {
            throw new UserErrorException($"{name} cannot be read as ONNX: {error.Message}", error);
        }

        try
        {
            (input, output) = (SoleInput(name), session.OutputNames[0]);
            Dimensions = Probe(name);
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
    /// <exception cref="UserErrorException">There is none, or it is no image encoder.</exception>
    public static OnnxEncoder Open(string path, FeaturePooling pooling) => new(path, Read(path), pooling);

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
        var model = Read(path);
        using var probed = new OnnxEncoder(path, model, pooling);
        using var bytes = tensor(model, ScalarType.Byte);
        TensorFile.Save(target, [(ModelTensor, bytes)]);
    }

    /// <summary>Opens what <see cref="Save"/> wrote.</summary>
    /// <exception cref="InvalidDataException">It holds no model.</exception>
    internal static OnnxEncoder Load(string name, TensorBundle bundle, FeaturePooling pooling)
        => bundle.Tensors.TryGetValue(ModelTensor, out var model) && model.dtype == ScalarType.Byte
            ? new OnnxEncoder(name, model.bytes.ToArray(), pooling)
            : throw new InvalidDataException($"{name} holds no ONNX model.");

    private static byte[] Read(string path)
    {
        if (!File.Exists(path))
        {
            throw new UserErrorException($"There is no ONNX model at {path}. Give the .onnx file of an image encoder.");
        }

        return File.ReadAllBytes(path);
    }

    private string SoleInput(string name)
    {
        var shapes = session.InputMetadata.Select(entry => $"'{entry.Key}' [{string.Join(", ", entry.Value.Dimensions)}]").ToArray();
        var (found, metadata) = session.InputMetadata.First();
        var wanted = new[] { -1, 3, ImageNetPreprocessing.Side, ImageNetPreprocessing.Side };
        var fits = session.InputMetadata.Count == 1 && metadata.ElementType == typeof(float) && metadata.Dimensions.Length == wanted.Length
            && metadata.Dimensions[0] < 0 && metadata.Dimensions.Zip(wanted).All(pair => pair.First < 0 || pair.First == pair.Second);
        return fits ? found : throw new UserErrorException(
            $"{name} takes {string.Join(" and ", shapes)}; one input [N, 3, {ImageNetPreprocessing.Side}, {ImageNetPreprocessing.Side}] of float32 is needed, N free. Export it so.");
    }

    // D, seen by running two pictures.
    private int Probe(string name)
    {
        using var scope = NewDisposeScope();
        try
        {
            return (int)Run(zeros([2, 3, ImageNetPreprocessing.Side, ImageNetPreprocessing.Side])).size(1);
        }
        catch (Exception error) when (error is OnnxRuntimeException or InvalidDataException)
        {
            throw new UserErrorException($"{name}: a trial with two pictures failed: {error.Message}", error);
        }
    }

    // [N, 3, 224, 224] -> [N, D].
    private Tensor Run(Tensor x)
    {
        var memory = x.contiguous().data<float>().ToArray();
        using var value = OrtValue.CreateTensorValueFromMemory(memory, x.shape);
        using var options = new RunOptions();
        using var results = session.Run(options, [input], [value], [output]);
        var (result, type) = (results[0], results[0].GetTensorTypeAndShape());
        if (type.ElementDataType != Microsoft.ML.OnnxRuntime.Tensors.TensorElementType.Float || type.Shape.Length is not (2 or 3) || type.Shape[0] != x.size(0))
        {
            throw new InvalidDataException($"output '{output}' is {type.ElementDataType} [{string.Join(", ", type.Shape)}]; float32 [N, D] or [N, 1 + T, D] is needed.");
        }

        var tokens = tensor(result.GetTensorDataAsSpan<float>().ToArray(), type.Shape);
        return tokens.dim() == 2 ? tokens : pooling == FeaturePooling.Cls ? tokens.select(1, 0) : tokens.narrow(1, 1, tokens.size(1) - 1).mean([1L]);
    }
}
