using System.Globalization;
using System.Text.Json;
using System.Text.RegularExpressions;
using Ddm.Runs;
using Ddm.Tests;
using static Ddm.Diffusion.Tests.Closeness;
using static TorchSharp.torch;

namespace Ddm.Diffusion.Tests;

/// <summary>Our DiT and sampler against willisma/SiT on the same weights, for every folder sit*.</summary>
public partial class SitParityTests
{
    private const int ReferencesGuidedChannels = 3; // its forward_with_cfg leaves further channels unguided

    public static TheoryData<string> Folders => FixtureFolders.OfKind("sit");

    [Theory]
    [MemberData(nameof(Folders))]
    public void ForwardEqualsTheReference(string folder)
    {
        using var scope = NewDisposeScope();
        using var noGrad = no_grad();
        var (network, io) = Load(folder);
        var output = network.Forward(io["x"], io["t"], io["y"].to(ScalarType.Int64));
        Assert.InRange(Distance(output, io["forward_out"]), 0, 1e-4);
    }

    [Theory]
    [MemberData(nameof(Folders))]
    public void TheFixedPositionTableEqualsTheReference(string folder)
    {
        using var scope = NewDisposeScope();
        var (network, _) = Load(folder);
        using var fresh = new DiT(network.Config);
        Assert.InRange(Distance(fresh.state_dict()["pos_embed"], network.state_dict()["pos_embed"]), 0, 1e-6);
    }

    [Theory]
    [MemberData(nameof(Folders))]
    public void GuidanceEqualsTheReference(string folder)
    {
        using var scope = NewDisposeScope();
        using var noGrad = no_grad();
        var (network, io) = Load(folder);
        var half = io["cfg_y"].size(0) / 2; // the reference doubles the first half and ignores the second
        var x = io["x"].narrow(0, 0, half);
        var labels = io["cfg_y"].to(ScalarType.Int64).chunk(2, dim: 0);
        var t = io["cfg_t"].narrow(0, 0, half);
        var (conditional, unconditional) = (network.Forward(x, t, labels[0]), network.Forward(x, t, labels[1]));
        var scale = Config(folder).GetProperty("cfg_scale").GetDouble();

        Assert.InRange(Distance(Guidance.Combine(conditional, unconditional, scale, guidedChannels: Guided(network)), io["cfg_out"].narrow(0, 0, half)), 0, 3e-4);
        Assert.InRange(Distance(Guidance.Combine(conditional, unconditional, scale), io["cfg_out_all_channels"]), 0, 3e-4);
    }

    [Theory]
    [MemberData(nameof(Folders))]
    public void TheSamplerEqualsTheReferencesEulerSteps(string folder)
    {
        using var scope = NewDisposeScope();
        var (network, io) = Load(folder);
        var labels = io["ode_y"].data<float>().ToArray().Select(y => (long)y).ToArray();
        var sampler = new Sampler(new Ensemble([new SiTExpert(network)], new UniformRouter(1), network.Config.Classes), [network.Config.Channels, network.Config.ImageSize, network.Config.ImageSize]) { Clamp = false, InitialNoise = io["ode_noise"] };
        var request = new SampleRequest { Seeds = new long[labels.Length], Labels = labels, Steps = (int)io["ode_t_grid"].size(0) - 1, Solver = Solver.Euler, Strategy = new FullRouting() };

        using var plain = sampler.Draw(request);
        using var guided = sampler.Draw(request with { Guidance = Config(folder).GetProperty("cfg_scale").GetDouble(), GuidedChannels = Guided(network) });

        Assert.InRange(Distance(plain.Images, io[Plain(io)]), 0, 3e-4);
        Assert.InRange(Distance(guided.Images, io[Plain(io) + "_cfg"]), 0, 3e-4);
        foreach (var name in io.Keys.Where(name => PointsName().IsMatch(name)))
        {
            // n points are n - 1 steps
            using var fewer = sampler.Draw(request with { Steps = int.Parse(PointsName().Match(name).Groups[1].Value, CultureInfo.InvariantCulture) - 1 });
            Assert.InRange(Distance(fewer.Images, io[name]), 0, 3e-4);
        }
    }

    private static string Plain(Dictionary<string, Tensor> io) => io.Keys.Single(name => PlainName().IsMatch(name));

    private static int Guided(DiT network) => Math.Min(ReferencesGuidedChannels, network.Config.Channels);

    private static JsonElement Config(string folder) => new Fixture(folder).Json("config.json");

    [GeneratedRegex("^ode_euler[0-9]+$")]
    private static partial Regex PlainName();

    [GeneratedRegex("^ode_euler_num_steps([0-9]+)$")]
    private static partial Regex PointsName();

    private static (DiT Network, Dictionary<string, Tensor> Io) Load(string folder)
    {
        var (fixture, json) = (new Fixture(folder), Config(folder));
        int Number(string name) => json.GetProperty(name).GetInt32();
        var config = new DiTConfig(
            Number("input_size"), Number("in_channels"), Number("patch_size"), Number("hidden_size"), Number("depth"), Number("num_heads"),
            json.GetProperty("mlp_ratio").GetDouble(), Number("num_classes"), json.GetProperty("class_dropout_prob").GetDouble(),
            json.GetProperty("learn_sigma").GetBoolean())
        { TimeScale = 1 };
        var network = new DiT(config, initialize: false);
        var (missing, unexpected) = network.load_state_dict(fixture.Load("model.safetensors"));
        Assert.Empty(missing);
        Assert.Empty(unexpected);
        return (network, fixture.Load("io.safetensors"));
    }
}
