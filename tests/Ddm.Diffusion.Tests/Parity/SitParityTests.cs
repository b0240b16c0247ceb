using Ddm.Runs;
using static Ddm.Diffusion.Tests.Closeness;
using static TorchSharp.torch;

namespace Ddm.Diffusion.Tests;

/// <summary>Our DiT and sampler against willisma/SiT on the same weights, for every folder sit*.</summary>
public class SitParityTests
{
    public static TheoryData<string> Folders => Fixture.Folders("sit");

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
        var half = io["x"].size(0) / 2;
        var x = io["x"].narrow(0, 0, half);
        var labels = io["cfg_y"].to(ScalarType.Int64).chunk(2, dim: 0);
        var t = io["cfg_t"].narrow(0, 0, half);
        var (conditional, unconditional) = (network.Forward(x, t, labels[0]), network.Forward(x, t, labels[1]));
        var scale = Fixture.Open(folder).Config.GetProperty("cfg_scale").GetDouble();

        Assert.InRange(Distance(Guidance.Combine(conditional, unconditional, scale, guidedChannels: 3), io["cfg_out"].narrow(0, 0, half)), 0, 3e-4);
        Assert.InRange(Distance(Guidance.Combine(conditional, unconditional, scale), io["cfg_out_all_channels"]), 0, 3e-4);
    }

    [Theory]
    [MemberData(nameof(Folders))]
    public void TheSamplerEqualsTheReferencesEulerSteps(string folder)
    {
        using var scope = NewDisposeScope();
        var (network, io) = Load(folder);
        var labels = io["ode_y"].data<float>().ToArray().Select(y => (long)y).ToArray();
        var sampler = new Sampler(new Ensemble([new SiTExpert(network)], new UniformRouter(1), network.Config.Classes), [4, 8, 8]) { Clamp = false, InitialNoise = io["ode_noise"] };
        var request = new SampleRequest { Seeds = new long[labels.Length], Labels = labels, Steps = 10, Solver = Solver.Euler, Strategy = new FullRouting() };

        using var plain = sampler.Draw(request);
        using var guided = sampler.Draw(request with { Guidance = Fixture.Open(folder).Config.GetProperty("cfg_scale").GetDouble(), GuidedChannels = 3 });
        using var nine = sampler.Draw(request with { Steps = 9 });

        Assert.InRange(Distance(plain.Images, io["ode_euler10"]), 0, 3e-4);
        Assert.InRange(Distance(guided.Images, io["ode_euler10_cfg"]), 0, 3e-4);
        Assert.InRange(Distance(nine.Images, io["ode_euler_num_steps10"]), 0, 3e-4);
    }

    private static (DiT Network, Dictionary<string, Tensor> Io) Load(string folder)
    {
        var fixture = Fixture.Open(folder);
        int Number(string name) => fixture.Config.GetProperty(name).GetInt32();
        var config = new DiTConfig(
            Number("input_size"), Number("in_channels"), Number("patch_size"), Number("hidden_size"), Number("depth"), Number("num_heads"),
            fixture.Config.GetProperty("mlp_ratio").GetDouble(), Number("num_classes"), 0.1, fixture.Config.GetProperty("learn_sigma").GetBoolean()) { TimeScale = 1 };
        var network = new DiT(config, initialize: false);
        var (missing, unexpected) = network.load_state_dict(fixture.Load("model.safetensors"));
        Assert.Empty(missing);
        Assert.Empty(unexpected);
        return (network, fixture.Load("io.safetensors"));
    }
}
