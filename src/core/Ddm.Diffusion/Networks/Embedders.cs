using Ddm.Tensors;
using TorchSharp;
using TorchSharp.Modules;
using TorchSharp.Utils;
using static TorchSharp.torch;
using F = TorchSharp.torch.nn.functional;

namespace Ddm.Diffusion;

/// <summary>Cuts an image into patches and maps each linearly. The weight has the shape of the convolution it equals.</summary>
internal sealed class PatchEmbedder : nn.Module
{
    private readonly PatchProjection proj;

    public PatchEmbedder(DiTConfig config, Device device)
        : base(nameof(PatchEmbedder))
    {
        proj = new PatchProjection(config, device);
        RegisterComponents();
    }

    public Tensor Forward(Tensor x, ComputeType type) => proj.Forward(x, type);
}

/// <summary>The convolution of kernel = stride = patch, as one matrix product over unfolded patches.</summary>
internal sealed class PatchProjection : nn.Module
{
    private readonly int channels, patch, grid, hidden;
    private readonly Parameter weight; // [D, C, p, p]
    private readonly Parameter bias; // [D]

    public PatchProjection(DiTConfig config, Device device)
        : base(nameof(PatchProjection))
    {
        (channels, patch, grid, hidden) = (config.Channels, config.Patch, config.Grid, config.Hidden);
        weight = new Parameter(empty([hidden, channels, patch, patch], device: device));
        bias = new Parameter(empty([hidden], device: device));
        RegisterComponents();
    }

    public Tensor Forward(Tensor x, ComputeType type)
    {
        var patches = x.reshape(-1, channels, grid, patch, grid, patch) // (N, C, h, p, w, p)
            .permute(0, 2, 4, 1, 3, 5).reshape(-1, grid * grid, channels * patch * patch); // (N, T, C p p)
        var matrix = weight.view(hidden, -1);
        return type == ComputeType.BFloat16
            ? FewRows.Linear(patches.to(ScalarType.BFloat16), matrix.to(ScalarType.BFloat16), bias.to(ScalarType.BFloat16))
            : FewRows.Linear(patches, matrix, bias); // (N, T, D)
    }
}

/// <summary>Sinusoids of the scaled time, then an MLP. Always float32: bfloat16 cannot tell 1000 t from 1000 t + 1.</summary>
internal sealed class TimestepEmbedder : nn.Module
{
    /// <summary>Width of the sinusoidal embedding.</summary>
    public const int Frequencies = 256;

    private readonly Scalar scale;
    private readonly TimestepMlp mlp;

    public TimestepEmbedder(DiTConfig config, Device device)
        : base(nameof(TimestepEmbedder))
    {
        scale = config.TimeScale;
        mlp = new TimestepMlp(config.Hidden, device);
        RegisterComponents();
    }

    /// <summary>t [N] -> [N, D].</summary>
    public Tensor Forward(Tensor t)
    {
        const int half = Frequencies / 2;
        using var exponents = Arithmetic.Range(half, ScalarType.Float32, t.device).mul_(Exponent);
        var angles = (t.to(ScalarType.Float32) * scale).unsqueeze(1) * exponents.exp_();
        return mlp.Forward(cat([angles.cos(), angles.sin()], dim: -1)); // cosines first
    }

    private static readonly Scalar Exponent = -Math.Log(10000) / (Frequencies / 2);
}

/// <summary>Linear, SiLU, linear: entries 0 and 2 of the reference's sequence.</summary>
internal sealed class TimestepMlp : nn.Module
{
    [ComponentName(Name = "0")]
    private readonly Dense first;

    [ComponentName(Name = "2")]
    private readonly Dense second;

    public TimestepMlp(int hidden, Device device)
        : base(nameof(TimestepMlp))
    {
        first = new Dense(TimestepEmbedder.Frequencies, hidden, device);
        second = new Dense(hidden, hidden, device);
        RegisterComponents();
    }

    public Tensor Forward(Tensor x) => second.Forward(F.silu(first.Forward(x, ComputeType.Float32)), ComputeType.Float32);
}

/// <summary>A row for each class and, last, one for the null condition. Which rows of a batch are dropped is decided by who calls.</summary>
internal sealed class LabelEmbedder : nn.Module
{
    private readonly EmbeddingTable embedding_table;

    public LabelEmbedder(DiTConfig config, Device device)
        : base(nameof(LabelEmbedder))
    {
        embedding_table = new EmbeddingTable(config.Classes + 1, config.Hidden, device);
        RegisterComponents();
    }

    /// <summary>labels [N] int64 -> [N, D].</summary>
    public Tensor Forward(Tensor labels) => embedding_table.Forward(labels);
}

/// <summary>A table of vectors.</summary>
internal sealed class EmbeddingTable : nn.Module
{
    private readonly Parameter weight; // [rows, D]

    public EmbeddingTable(int rows, int width, Device device)
        : base(nameof(EmbeddingTable))
    {
        weight = new Parameter(empty([rows, width], device: device));
        RegisterComponents();
    }

    /// <summary>Rows as a product with their one-hot matrix, whose gradient, unlike an indexed sum's, has one order of addition on every device.</summary>
    public Tensor Forward(Tensor rows)
    {
        using var numbers = Arithmetic.Range(weight.size(0), ScalarType.Int64, rows.device);
        return rows.unsqueeze(1).eq(numbers).to(weight.dtype).matmul(weight);
    }
}
