namespace Ddm.Encoders;

/// <summary>Gathers names and shapes of an AutoencoderKL's tensors.</summary>
internal sealed class VaeLayout
{
    /// <summary>What was gathered.</summary>
    public List<(string Name, long[] Shape)> Tensors { get; } = [];

    public void Convolution(string name, long inputs, long outputs, long kernel) => Add(name, [outputs, inputs, kernel, kernel]);

    public void Norm(string name, long width) => Add(name, [width]);

    public void Residual(string name, long inputs, long outputs)
    {
        Norm(name + ".norm1", inputs);
        Convolution(name + ".conv1", inputs, outputs, 3);
        Norm(name + ".norm2", outputs);
        Convolution(name + ".conv2", outputs, outputs, 3);
        if (inputs != outputs)
        {
            Convolution(name + ".conv_shortcut", inputs, outputs, 1);
        }
    }

    public void Middle(string part, long width)
    {
        Residual(part + ".mid_block.resnets.0", width, width);
        var attention = part + ".mid_block.attentions.0";
        Norm(attention + ".group_norm", width);
        foreach (var layer in VaeKeys.Attention)
        {
            Add($"{attention}.{layer}", [width, width]);
        }

        Residual(part + ".mid_block.resnets.1", width, width);
    }

    private void Add(string name, long[] weight)
    {
        Tensors.Add((name + ".weight", weight));
        Tensors.Add((name + ".bias", [weight[0]]));
    }
}
