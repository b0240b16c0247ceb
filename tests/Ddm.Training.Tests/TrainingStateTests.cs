using Ddm.Diffusion;
using Ddm.Runs;
using Ddm.Tensors;
using static TorchSharp.torch;

namespace Ddm.Training.Tests;

public sealed class TrainingStateTests
{
    private static readonly Objective Expert = Roles.Objective(Workshop.Spec, Role.Expert(0), Workshop.Classes, Workshop.Class());

    [Fact]
    public void InitialStatesComeFromSeedAndRole()
    {
        using var a = TrainingState.Create(Expert, 1, Role.Expert(0), CPU);
        using var b = TrainingState.Create(Expert, 1, Role.Expert(1), CPU);
        Assert.False(a.Weights.Zip(b.Weights).All(pair => pair.First.equal(pair.Second).all().item<bool>()));
        Assert.All(a.Weights.Zip(a.Averages), pair => Assert.True(pair.First.equal(pair.Second).all().item<bool>()));
        Assert.All(a.FirstMoments.Concat(a.SecondMoments), m => Assert.Equal(0, m.abs().sum().item<float>()));
    }

    [Fact]
    public void PartsCarryThePublishedNamesInOrder()
    {
        using var state = TrainingState.Create(Expert, 1, Role.Expert(0), CPU);
        using var weights = TensorFile.Load(Save(state, TrainingState.WeightsPart));
        Assert.Contains("blocks.1.attn.qkv.weight", weights.Tensors.Keys);
        Assert.Contains("y_embedder.embedding_table.weight", weights.Tensors.Keys);
        Assert.Equal(weights.Tensors.Keys.Order(StringComparer.Ordinal), weights.Tensors.Keys);
        using var optimizer = TensorFile.Load(Save(state, TrainingState.OptimizerPart));
        Assert.Equal(2 * weights.Tensors.Count, optimizer.Tensors.Count);
        Assert.Contains("exp_avg_sq.final_layer.linear.bias", optimizer.Tensors.Keys);
    }

    [Theory]
    [InlineData("weights.safetensors", "blocks.0.mlp.fc1.bias", "drop", "'blocks.0.mlp.fc1.bias' is missing")]
    [InlineData("ema.safetensors", "x_embedder.proj.weight", "reshape", "'x_embedder.proj.weight' is Float32 [512]")]
    [InlineData("weights.safetensors", "t_embedder.mlp.0.bias", "double", "'t_embedder.mlp.0.bias' is Float64")]
    [InlineData("optimizer.safetensors", "exp_avg.final_layer.linear.bias", "nan", "'exp_avg.final_layer.linear.bias' has values that are not finite")]
    [InlineData("optimizer.safetensors", "exp_avg_sq.final_layer.linear.bias", "rename", "'exp_avg_sq.final_layer.linear.bias' is missing")]
    [InlineData("weights.safetensors", "x_embedder.proj.bias", "copy", "'x_embedder.proj.bias.copy' is none of this network's")]
    public void ATensorThatDoesNotFitIsNamed(string part, string name, string damage, string message)
    {
        using var state = TrainingState.Create(Expert, 1, Role.Expert(0), CPU);
        var error = Assert.Throws<InvalidDataException>(
            () => TrainingState.Load(Expert, 0, opened => opened == part ? Damage(Save(state, part), name, damage) : Save(state, opened), CPU).Dispose());
        Assert.StartsWith(part + ": ", error.Message, StringComparison.Ordinal);
        Assert.Contains(message, error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void PartsOfAnotherStepAreRefused()
    {
        using var state = TrainingState.Create(Expert, 1, Role.Expert(0), CPU);
        var error = Assert.Throws<InvalidDataException>(() => TrainingState.Load(Expert, 3, part => Save(state, part), CPU).Dispose());
        Assert.Contains("step 0, not 3", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void PublishedWeightsMayCarryThePositionTable()
    {
        using var source = new DiT(Workshop.Config(Role.Expert(0)));
        using var target = new DiT(Workshop.Config(Role.Expert(0)));
        source.Initialize(9, 9);
        using var stream = new MemoryStream();
        TensorFile.Save(stream, [.. NetworkWeights.Of(source), ("pos_embed", zeros(1, 4, 32))]);
        stream.Position = 0;
        using var bundle = TensorFile.Load(stream);
        NetworkWeights.Load(target, bundle);
        Assert.NotEmpty(NetworkWeights.Of(target));
        Assert.All(NetworkWeights.Of(source).Zip(NetworkWeights.Of(target)), pair => Assert.True(pair.First.Tensor.equal(pair.Second.Tensor).all().item<bool>()));
    }

    private static MemoryStream Save(TrainingState state, string part)
    {
        var stream = new MemoryStream();
        state.Parts().Single(p => p.Name == part).Write(stream);
        stream.Position = 0;
        return stream;
    }

    private static MemoryStream Damage(MemoryStream file, string name, string damage)
    {
        using var scope = NewDisposeScope();
        using var bundle = TensorFile.Load(file);
        var tensors = bundle.Tensors.ToDictionary(t => t.Key, t => t.Value);
        var tensor = tensors[name];
        switch (damage)
        {
            case "drop": tensors.Remove(name); break;
            case "reshape": tensors[name] = tensor.reshape(-1); break;
            case "double": tensors[name] = tensor.to(ScalarType.Float64); break;
            case "nan": tensors[name] = tensor.clone().fill_(float.NaN); break;
            case "copy": tensors[name + ".copy"] = tensor; break;
            default: tensors.Remove(name); tensors[name + "x"] = tensor; break;
        }

        var stream = new MemoryStream();
        TensorFile.Save(stream, [.. tensors.Select(t => (t.Key, t.Value))], bundle.Metadata);
        stream.Position = 0;
        return stream;
    }
}
