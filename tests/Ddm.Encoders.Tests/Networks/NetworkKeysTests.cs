using Ddm.Diffusion;
using static TorchSharp.torch;

namespace Ddm.Encoders.Tests;

public class NetworkKeysTests
{
    [Theory]
    [InlineData("x_embedder.proj.weight", "patch_embed.weight", 0)]
    [InlineData("pos_embed", "pos_embed", 0)]
    [InlineData("t_embedder.mlp.2.bias", "time_embed.mlp.2.bias", 0)]
    [InlineData("t_block.1.weight", "t_block.1.weight", 0)]
    [InlineData("text_proj.bias", "text_proj.bias", 0)]
    [InlineData("cls_token", "cls_token", 0)]
    [InlineData("head.2.weight", "head.2.weight", 0)]
    [InlineData("blocks.11.scale_shift_table", "layers.11.scale_shift_table", 0)]
    [InlineData("blocks.11.adaLN_modulation.1.bias", "layers.11.adaLN_modulation.1.bias", 0)]
    [InlineData("blocks.0.attn.qkv.weight", "layers.0.attn.in_proj_weight", 0)]
    [InlineData("blocks.0.attn.qkv.bias", "layers.0.attn.in_proj_bias", 0)]
    [InlineData("blocks.0.attn.proj.weight", "layers.0.attn.out_proj.weight", 0)]
    [InlineData("blocks.7.cross_attn.q_linear.weight", "layers.7.cross_attn.in_proj_weight", 0)]
    [InlineData("blocks.7.cross_attn.kv_linear.weight", "layers.7.cross_attn.in_proj_weight", 1)]
    [InlineData("blocks.7.cross_attn.q_linear.bias", "layers.7.cross_attn.in_proj_bias", 0)]
    [InlineData("blocks.7.cross_attn.kv_linear.bias", "layers.7.cross_attn.in_proj_bias", 1)]
    [InlineData("blocks.7.cross_attn.proj.bias", "layers.7.cross_attn.out_proj.bias", 0)]
    [InlineData("blocks.7.mlp.fc1.weight", "layers.7.mlp.0.weight", 0)]
    [InlineData("blocks.7.mlp.fc2.bias", "layers.7.mlp.2.bias", 0)]
    [InlineData("final_layer.linear.weight", "final_layer.linear.weight", 0)]
    [InlineData("final_layer.scale_shift_table", "final_layer.scale_shift_table", 0)]
    public void ParisNamesOurWeights(string own, string published, int part)
    {
        Assert.Equal((published, part), NetworkKeys.Paris.Published(own));
        Assert.Equal((own, 0), NetworkKeys.Own.Published(own));
    }

    [Fact]
    public void WhatIsJoinedIsSplitAgain()
    {
        using var scope = NewDisposeScope();
        var tensor = new PublishedTensor("in_proj", [6, 2], [("q", 2), ("kv", 4)]);
        var whole = arange(12).view(6, 2);

        var parts = tensor.Split(whole).ToDictionary(part => part.Own, part => part.Tensor);

        Assert.True(parts["q"].Equals(whole.narrow(0, 0, 2)));
        Assert.True(parts["kv"].Equals(whole.narrow(0, 2, 4)));
        Assert.True(tensor.Join(own => parts[own]).Equals(whole));
    }

    [Fact]
    public void OurOwnLayoutIsTheNetworks()
    {
        using var network = new DiT(new DiTConfig(8, 4, 2, 32, 2, 4, 4, 3, 0), initialize: false);
        Assert.Equal(
            network.TrainableParameters().Select(p => (p.Name, string.Join('x', p.Parameter.shape))), NetworkKeys.Own.Layout(network).Select(t => (t.Name, string.Join('x', t.Shape))));
        var paris = NetworkKeys.Paris.Layout(network).ToDictionary(t => t.Name, t => t.Shape);
        Assert.Equal([96, 32], paris["layers.1.attn.in_proj_weight"]);
        Assert.Equal(network.TrainableParameters().Count, paris.Count); // no cross-attention, whose weights are joined
    }
}
