using System.Text;
using System.Text.Json;
using Ddm.Encoders;
using Ddm.Runs;
using Ddm.Storage;
using Ddm.Tensors;
using static TorchSharp.torch;

namespace Ddm.Training;

/// <summary>The files that an autoencoder's training leaves in its folder, under the names that diffusers and <see cref="WeightFile"/> look for. Each is there whole or not at all.</summary>
/// <param name="folder">The folder, as the user gave it.</param>
internal sealed class VaeFiles(string folder)
{
    private const string Option = "--out FOLDER";

    private static readonly JsonSerializerOptions OneLine = new(BlobJson.Options) { WriteIndented = false };

    /// <summary>The training's state; gone once the weights are written.</summary>
    public string State => Path.Combine(folder, "state.safetensors");

    /// <summary>The pictures above their reconstructions.</summary>
    public string Reconstructions => Path.Combine(folder, "reconstructions.png");

    private string Weights => Path.Combine(folder, "diffusion_pytorch_model.safetensors");

    private string Steps => Path.Combine(folder, "training.jsonl");

    /// <summary>Refuses a folder in which something is finished.</summary>
    /// <exception cref="UserErrorException">It holds an autoencoder, or is a file.</exception>
    public void RequireFree()
    {
        if (File.Exists(folder))
        {
            throw new UserErrorException($"--out '{folder}' is a file. Give a folder.");
        }

        if (File.Exists(Weights) && !File.Exists(State))
        {
            throw new UserErrorException($"'{folder}' holds an autoencoder already. Give another --out, or remove {Weights} to train it anew.");
        }
    }

    /// <summary>Writes the state, and before it the lines of the steps that it has made.</summary>
    public void SaveState(VaeState state, IReadOnlyList<VaeStep> steps, IReadOnlyDictionary<string, string> facts)
    {
        SaveSteps(steps);
        WholeFile.Write(State, stream => state.Save(stream, facts), Option);
    }

    /// <summary>Steps that an earlier process made, up to one.</summary>
    /// <exception cref="UserErrorException">A line is no step.</exception>
    public IReadOnlyList<VaeStep> ReadSteps(long last)
    {
        try
        {
            var lines = File.Exists(Steps) ? File.ReadLines(Steps) : [];
            return [.. lines.Select(line => JsonSerializer.Deserialize<VaeStep>(line, OneLine)!).TakeWhile(step => step.Step <= last)];
        }
        catch (JsonException error)
        {
            throw new UserErrorException($"{Steps} has a line that is no step: {error.Message} Remove the file: the training goes on without the curve before this step.", error);
        }
    }

    /// <summary>Writes all that is left at the end, the weights last, and removes the state.</summary>
    public void Finish(VaeConfig config, int sampleSize, IReadOnlyDictionary<string, Tensor> weights, IReadOnlyList<VaeStep> steps, byte[] reconstructions, string card)
    {
        SaveSteps(steps);
        Write(Reconstructions, reconstructions);
        Write(Path.Combine(folder, "README.md"), Encoding.UTF8.GetBytes(card));
        Write(Path.Combine(folder, "config.json"), Encoding.UTF8.GetBytes(config.ToJson(sampleSize) + "\n"));
        var named = weights.OrderBy(weight => weight.Key, StringComparer.Ordinal).Select(weight => (weight.Key, weight.Value)).ToArray();
        WholeFile.Write(Weights, stream => TensorFile.Save(stream, named, new Dictionary<string, string> { ["format"] = "pt" }), Option);
        File.Delete(State);
    }

    private static void Write(string path, byte[] bytes) => WholeFile.Write(path, stream => stream.Write(bytes), Option);

    private void SaveSteps(IReadOnlyList<VaeStep> steps) => WholeFile.Write(
        Steps,
        stream =>
        {
            foreach (var step in steps)
            {
                JsonSerializer.Serialize(stream, step, OneLine);
                stream.WriteByte((byte)'\n');
            }
        },
        Option);
}
