using System.Globalization;
using System.Text.Json;
using System.Text.Json.Nodes;
using Ddm.Runs;

namespace Ddm.Encoders;

/// <summary>Shape of an AutoencoderKL, as its <c>config.json</c> gives it; what that leaves out is Stable Diffusion's.</summary>
/// <param name="Channels">Of the picture.</param>
/// <param name="LatentChannels">Of the latent.</param>
/// <param name="Widths">Channels of the levels, finest first; every level but the last halves the picture.</param>
/// <param name="Layers">Residual blocks of a level of the encoder; the decoder has one more.</param>
/// <param name="Groups">Of the group norms.</param>
/// <param name="Scale">What latents are multiplied by for diffusion; null: an autoencoder of one's own, not measured yet.</param>
public sealed record VaeConfig(int Channels, int LatentChannels, IReadOnlyList<int> Widths, int Layers, int Groups, double? Scale)
{
    private const string ClassName = "AutoencoderKL", Activation = "silu";

    private static readonly JsonSerializerOptions Indented = new() { WriteIndented = true, NewLine = "\n" };

    // Of the configs from before diffusers wrote it down, sd-vae-ft-mse's among them.
    private const double PublishedScale = 0.18215;

    /// <summary>Pixels a latent's side stands for.</summary>
    public int Factor => 1 << (Widths.Count - 1);

    /// <summary>Names and shapes of the tensors of a network of this shape, as diffusers names them.</summary>
    public IReadOnlyList<(string Name, long[] Shape)> Weights() => Layout(quant: true, postQuant: true);

    /// <summary>The <c>config.json</c> of such a network, as diffusers reads it and <see cref="WeightFile"/> does.</summary>
    /// <param name="sampleSize">Side of the pictures it was trained on, pixels.</param>
    public string ToJson(int sampleSize)
    {
        var config = new JsonObject
        {
            ["_class_name"] = ClassName,
            ["act_fn"] = Activation,
            ["block_out_channels"] = new JsonArray([.. Widths.Select(width => (JsonNode)width)]),
            ["down_block_types"] = new JsonArray([.. Widths.Select(_ => (JsonNode)"DownEncoderBlock2D")]),
            ["in_channels"] = Channels,
            ["latent_channels"] = LatentChannels,
            ["layers_per_block"] = Layers,
            ["norm_num_groups"] = Groups,
            ["out_channels"] = Channels,
            ["sample_size"] = sampleSize,
            ["up_block_types"] = new JsonArray([.. Widths.Select(_ => (JsonNode)"UpDecoderBlock2D")]),
        };
        if (Scale is { } scale)
        {
            config["scaling_factor"] = scale;
        }

        return config.ToJsonString(Indented);
    }

    /// <summary>Reads the shape from the config and the tensors beside it.</summary>
    /// <exception cref="UserErrorException">The file is of another network, or its config asks for what this network lacks.</exception>
    internal static VaeConfig From(WeightFile file)
    {
        if (file.Text("_class_name") is { } name && name != ClassName)
        {
            throw new UserErrorException($"config.json beside {file.Path} is of a {name}; an AutoencoderKL is needed.");
        }

        if (file.Text("act_fn") is { } activation && activation != Activation)
        {
            throw new UserErrorException($"config.json beside {file.Path}: act_fn '{activation}' is not known; AutoencoderKL has 'silu'.");
        }

        var widths = new List<int>();
        while (Find($"encoder.down_blocks.{widths.Count}.resnets.0.conv1.weight") is { } convolution)
        {
            widths.Add((int)convolution[0]);
        }

        var layers = 0;
        while (Find($"encoder.down_blocks.0.resnets.{layers}.conv1.weight") is not null)
        {
            layers++;
        }

        var (input, latent) = (Find($"encoder.conv_in.weight"), Find($"decoder.conv_in.weight"));
        var groups = file.Integer("norm_num_groups") ?? 32;
        if (widths.Count == 0 || input is null || latent is null || groups < 1 || widths.Exists(width => width % groups != 0))
        {
            throw new UserErrorException($"{file.Path} is no AutoencoderKL: it has {widths.Count} levels of widths [{string.Join(", ", widths)}], {groups} groups of norms. "
                + "Put the config.json that belongs to the file beside it.");
        }

        return new VaeConfig((int)input[1], (int)latent[1], widths, layers, groups, file.Number("scaling_factor") ?? (file.Text("_diffusers_version") is null ? null : PublishedScale));

        long[]? Find(FormattableString name)
            => file.Tensors.TryGetValue(name.ToString(CultureInfo.InvariantCulture), out var tensor) && tensor.dim() == 4 ? tensor.shape : null;
    }

    /// <summary>Names and shapes of its tensors, as diffusers has named them since version 0.18.</summary>
    internal List<(string Name, long[] Shape)> Layout(bool quant, bool postQuant)
    {
        var layout = new VaeLayout();
        long first = Widths[0], last = Widths[^1], z = LatentChannels;
        layout.Convolution("encoder.conv_in", Channels, first, 3);
        var width = first;
        for (var level = 0; level < Widths.Count; level++)
        {
            for (var i = 0; i < Layers; i++)
            {
                layout.Residual(Text($"encoder.down_blocks.{level}.resnets.{i}"), width, Widths[level]);
                width = Widths[level];
            }

            if (level < Widths.Count - 1)
            {
                layout.Convolution(Text($"encoder.down_blocks.{level}.downsamplers.0.conv"), width, width, 3);
            }
        }

        layout.Middle("encoder", last);
        layout.Norm("encoder.conv_norm_out", last);
        layout.Convolution("encoder.conv_out", last, 2 * z, 3);
        layout.Convolution("decoder.conv_in", z, last, 3);
        layout.Middle("decoder", last);
        for (var level = 0; level < Widths.Count; level++)
        {
            var out_ = Widths[Widths.Count - 1 - level];
            for (var i = 0; i <= Layers; i++)
            {
                layout.Residual(Text($"decoder.up_blocks.{level}.resnets.{i}"), width, out_);
                width = out_;
            }

            if (level < Widths.Count - 1)
            {
                layout.Convolution(Text($"decoder.up_blocks.{level}.upsamplers.0.conv"), width, width, 3);
            }
        }

        layout.Norm("decoder.conv_norm_out", first);
        layout.Convolution("decoder.conv_out", first, Channels, 3);
        if (quant)
        {
            layout.Convolution("quant_conv", 2 * z, 2 * z, 1);
        }

        if (postQuant)
        {
            layout.Convolution("post_quant_conv", z, z, 1);
        }

        return layout.Tensors;
    }

    private static string Text(FormattableString name) => name.ToString(CultureInfo.InvariantCulture);
}
