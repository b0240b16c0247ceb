using Ddm.Runs;
using static Ddm.Diffusion.Tests.Closeness;
using static TorchSharp.torch;

namespace Ddm.Diffusion.Tests;

/// <summary>Networks conditioned on captions.</summary>
public class TextNetworkTests
{
    private static readonly TextShape Words = new(6, 32, 20), Vectors = new(5, 24, 0);

    private static DiTConfig Config(TextShape text) => new(8, 3, 2, 48, 2, 3, 4, 0, 0.1) { Text = text };

    /// <summary>Paris' expert of 605,970,448 parameters, the fixed positions among them.</summary>
    [Fact]
    public void AnExpertOfParisHasItsNumberOfParameters()
        => Assert.Equal(605_970_448, ParameterCount.Of(new DiTConfig(32, 4, 2, 1152, 28, 16, 4, 0, 0.1) { Text = new TextShape(77, 768, 0) }));

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void ParametersAreCountedAsTheyAre(bool learned)
    {
        using var expert = new DiT(Config(learned ? Words : Vectors), initialize: false);
        using var router = new RouterNetwork(Config(learned ? Words : Vectors), 3, initialize: false);
        Assert.Equal(ParameterCount.Of(expert.Config), expert.TrainableParameters().Sum(p => p.Parameter.numel()) + (16 * 48));
        Assert.Equal(ParameterCount.OfRouter(router.Config, 3), router.TrainableParameters().Sum(p => p.Parameter.numel()) + (16 * 48));
    }

    [Fact]
    public void NamesAreThoseOfPixArt()
    {
        using var expert = new DiT(Config(Vectors), initialize: false);
        var names = expert.TrainableParameters().Select(p => p.Name).ToHashSet(StringComparer.Ordinal);
        Assert.Superset(
            new HashSet<string>
            {
                "x_embedder.proj.weight", "t_embedder.mlp.0.weight", "t_block.1.weight", "text_proj.weight", "blocks.1.scale_shift_table", "blocks.1.attn.qkv.bias",
                "blocks.1.cross_attn.q_linear.weight", "blocks.1.cross_attn.kv_linear.weight", "blocks.1.cross_attn.proj.bias", "blocks.1.mlp.fc2.weight", "final_layer.linear.weight",
                "final_layer.scale_shift_table",
            },
            names);
        Assert.DoesNotContain(names, name => name.Contains("adaLN", StringComparison.Ordinal) || name.StartsWith("text_embedder", StringComparison.Ordinal));
    }

    /// <summary>As in PixArt: what a caption says is projected by zeros at first, and so is the velocity.</summary>
    [Fact]
    public void AFreshNetworkIsDeafAndSilent()
    {
        using var scope = NewDisposeScope();
        using var noGrad = no_grad();
        using var expert = new DiT(Config(Words));
        var (x, t) = (randn(2, 3, 8, 8), rand(2));
        Assert.Equal(0, expert.Forward(x, t, Rows([3, 4], [5])).abs().max().item<float>());
        var weights = expert.TrainableParameters().ToDictionary(p => p.Name, p => p.Parameter);
        Assert.Equal(0, weights["blocks.0.cross_attn.proj.weight"].abs().max().item<float>());
        Assert.InRange(weights["blocks.0.scale_shift_table"].std().item<float>() * Math.Sqrt(48), 0.8, 1.2);
        Assert.InRange(weights["text_embedder.tokens.weight"].std().item<float>(), 0.018, 0.022);
    }

    [Fact]
    public void CaptionsAreHeardAndPaddingIsNot()
    {
        using var scope = NewDisposeScope();
        using var noGrad = no_grad();
        using var expert = Shaken.Fill(new DiT(Config(Words)), 1);
        using var router = Shaken.Fill(new RouterNetwork(Config(Words), 3), 2);
        var (x, t) = (randn(1, 3, 8, 8), rand(1));
        foreach (var answer in new Func<Tensor, Tensor>[] { c => expert.Forward(x, t, c), c => router.Forward(x, t, c) })
        {
            var said = answer(Rows([3, 4]));
            Assert.True(RelativeDistance(said, answer(Rows([4, 3]))) > 1e-4, "the order of words says nothing");
            Assert.True(RelativeDistance(said, answer(Rows([3, 4, 5]))) > 1e-4, "a further word says nothing");
            Assert.True(said.Equals(answer(Rows([3, 4]).to(ScalarType.Int32))));
        }

        // The state of padding is computed and then attended to by nobody: other numbers in its table change nothing.
        var before = expert.Forward(x, t, Rows([3, 4]));
        expert.TrainableParameters().Single(p => p.Name == "text_embedder.tokens.weight").Parameter[TextShape.PaddingToken].add_(5);
        Assert.True(before.Equals(expert.Forward(x, t, Rows([3, 4]))));
    }

    [Fact]
    public void NoConditionIsTheNullTokenAlone()
    {
        using var scope = NewDisposeScope();
        using var noGrad = no_grad();
        using var expert = Shaken.Fill(new DiT(Config(Words)), 1);
        var (x, t) = (randn(2, 3, 8, 8), rand(2));
        Assert.True(expert.Forward(x, t, null).Equals(expert.Forward(x, t, Rows([TextShape.NullToken], [TextShape.NullToken]))));
        using var vectors = Shaken.Fill(new DiT(Config(Vectors)), 1);
        Assert.Throws<InvalidOperationException>(() => vectors.Forward(x, t, null));
    }

    /// <summary>A row's answer has the same bits whatever captions are beside it.</summary>
    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void ARowsAnswerDoesNotDependOnTheOthers(bool learned)
    {
        using var scope = NewDisposeScope();
        using var noGrad = no_grad();
        var config = Config(learned ? Words : Vectors);
        using var expert = Shaken.Fill(new DiT(config), 3);
        using var router = Shaken.Fill(new RouterNetwork(config, 4), 4);
        using var generator = new Generator(1, CPU);
        var (x, t) = (randn([24, 3, 8, 8], generator: generator), rand([24], generator: generator));
        var captions = learned
            ? Rows([.. Enumerable.Range(0, 24).Select(row => Enumerable.Range(0, 1 + (row % 6)).Select(place => (long)(1 + ((row + place) % 19))).ToArray())])
            : randn([24, 5, 24], generator: generator).to(ScalarType.Float16);
        foreach (var answer in new Func<Tensor, Tensor, Tensor, Tensor>[] { new DiTExpert(expert).Velocity, new NetworkRouter(router).Logits })
        {
            var alone = cat([.. Enumerable.Range(0, 24).Select(i => answer(x.narrow(0, i, 1), t.narrow(0, i, 1), captions.narrow(0, i, 1)))], dim: 0);
            foreach (var rows in new[] { 2, 3, 7, 16, 24 })
            {
                Assert.True(answer(x.narrow(0, 24 - rows, rows), t.narrow(0, 24 - rows, rows), captions.narrow(0, 24 - rows, rows)).Equals(alone.narrow(0, 24 - rows, rows)), $"{rows} rows");
            }
        }
    }

    [Fact]
    public void ATextEncoderMustDivideIntoHeads()
        => Assert.Contains("40 wide", Assert.Throws<UserErrorException>(() => new DiT(Config(Words with { Width = 40 }))).Message, StringComparison.Ordinal);

    internal static Tensor Rows(params long[][] captions)
    {
        var rows = new long[captions.Length, Words.Tokens];
        for (var row = 0; row < captions.Length; row++)
        {
            for (var place = 0; place < captions[row].Length; place++)
            {
                rows[row, place] = captions[row][place];
            }
        }

        return tensor(rows);
    }
}
