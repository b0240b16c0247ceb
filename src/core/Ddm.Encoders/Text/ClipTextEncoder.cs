using System.Globalization;
using Ddm.Runs;
using Ddm.Tensors;
using TorchSharp;
using static TorchSharp.torch;
using F = TorchSharp.torch.nn.functional;

namespace Ddm.Encoders;

/// <summary>CLIP's text encoder (Radford et al., arXiv 2103.00020) from Hugging Face's weights. For inference.</summary>
public sealed class ClipTextEncoder : IDisposable
{
    private const string Prefix = "text_model.";

    // Slope of the sigmoid that stands in for the normal distribution in OpenAI's GELU.
    private static readonly Scalar QuickSlope = 1.702f;

    private readonly PublishedWeights weights;

    private ClipTextEncoder(ClipTextConfig config, PublishedWeights weights) => (Config, this.weights) = (config, weights);

    /// <summary>Its shape.</summary>
    public ClipTextConfig Config { get; }

    /// <summary>Reads a network; a file with the image encoder, too, gives its text half.</summary>
    /// <exception cref="UserErrorException">The file has no whole CLIP text encoder; the message names the tensor.</exception>
    public static ClipTextEncoder Load(WeightFile file)
    {
        TorchNative.EnsureLoaded();

        // Counted, not learned, and in older files only.
        var tensors = file.Tensors
            .Where(t => t.Key.StartsWith(Prefix, StringComparison.Ordinal) && t.Key != Prefix + "embeddings.position_ids")
            .ToDictionary(t => t.Key[Prefix.Length..], t => t.Value, StringComparer.Ordinal);
        var foreign = file.Tensors.Keys.Where(name => !IsClip(name)).Order(StringComparer.Ordinal).FirstOrDefault();
        if (foreign is not null)
        {
            throw new UserErrorException($"{file.Path}: tensor '{foreign}' belongs to no CLIP. Give the weights of a CLIP text encoder.");
        }

        var config = ClipTextConfig.From(file, tensors);
        var network = string.Create(CultureInfo.InvariantCulture, $"a CLIP text encoder of {config.Depth} blocks, width {config.Hidden}");
        return new ClipTextEncoder(config, PublishedWeights.Take(file.Path, network, tensors, config.Layout()));
    }

    /// <summary>The states of a batch of texts.</summary>
    /// <param name="ids">[N, T] int64, T at most <see cref="ClipTextConfig.Context"/>.</param>
    /// <returns>
    /// <c>Last</c>: [N, T, D], the normed states of every place, padding included (attention is causal and knows no padding); <c>Pooled</c>: [N, D], the state of each text's first end.
    /// </returns>
    /// <exception cref="ArgumentException">Too many tokens, an id outside the vocabulary, or a text without an end.</exception>
    public (Tensor Last, Tensor Pooled) Forward(Tensor ids)
    {
        using var noGradient = no_grad();
        using var scope = NewDisposeScope();
        var ends = Require(ids);
        var (n, t) = (ids.size(0), ids.size(1));
        var x = weights["embeddings.token_embedding.weight"].index_select(0, ids.view(-1)).view(n, t, -1).Plus(weights["embeddings.position_embedding.weight"].narrow(0, 0, t));
        for (var i = 0; i < Config.Depth; i++)
        {
            x = Block(x, weights.At(string.Create(CultureInfo.InvariantCulture, $"encoder.layers.{i}")));
        }

        var last = F.layer_norm(x, [Config.Hidden], weights["final_layer_norm.weight"], weights["final_layer_norm.bias"], Config.NormEps);
        var pooled = last[arange(n), tensor(ends)];
        return (last.MoveToOuterDisposeScope(), pooled.MoveToOuterDisposeScope());
    }

    /// <inheritdoc/>
    public void Dispose() => weights.Dispose();

    private static bool IsClip(string name) => name.StartsWith(Prefix, StringComparison.Ordinal) || name.StartsWith("vision_model.", StringComparison.Ordinal)
        || name is "logit_scale" or "text_projection.weight" or "visual_projection.weight";

    // Where each text ends.
    private long[] Require(Tensor ids)
    {
        var (n, t) = (ids.size(0), ids.size(1));
        if (t > Config.Context)
        {
            throw new ArgumentException($"{t} tokens where {Config.Context} are the most", nameof(ids));
        }

        var flat = ids.data<long>().ToArray();
        if (Array.FindIndex(flat, id => id < 0 || id >= Config.Vocabulary) is var wrong and >= 0)
        {
            throw new ArgumentException($"token {flat[wrong]} is outside the vocabulary of {Config.Vocabulary}", nameof(ids));
        }

        var ends = new long[n];
        for (var row = 0; row < n; row++)
        {
            ends[row] = Array.IndexOf(flat, Config.End, (int)(row * t), (int)t) - (row * t);
            if (ends[row] < 0)
            {
                throw new ArgumentException($"text {row} has no end token {Config.End}", nameof(ids));
            }
        }

        return ends;
    }

    private Tensor Block(Tensor x, WeightScope w)
    {
        using var scope = NewDisposeScope();
        x = x.Plus(Attention(w.LayerNorm(x, "layer_norm1", Config.NormEps), w.At("self_attn")));
        var inner = w.Linear(w.LayerNorm(x, "layer_norm2", Config.NormEps), "mlp.fc1");
        inner = Config.QuickGelu ? inner.mul(inner.mul(QuickSlope).sigmoid_()) : F.gelu(inner, TorchSharp.Modules.GELU.Approximate.none, inplace: false);
        return x.Plus(w.Linear(inner, "mlp.fc2")).MoveToOuterDisposeScope();
    }

    private Tensor Attention(Tensor x, WeightScope w)
    {
        var (n, t, d) = (x.size(0), x.size(1), x.size(2));
        var mixed = F.scaled_dot_product_attention(Heads("q_proj"), Heads("k_proj"), Heads("v_proj"), is_casual: true);
        return w.Linear(mixed.transpose(1, 2).reshape(n, t, d), "out_proj");

        Tensor Heads(string layer) => w.Linear(x, layer).view(n, t, Config.Heads, d / Config.Heads).transpose(1, 2); // (N, heads, T, D/heads)
    }
}
