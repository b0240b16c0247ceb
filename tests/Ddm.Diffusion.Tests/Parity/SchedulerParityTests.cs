using System.Globalization;
using System.Text.RegularExpressions;
using Ddm.Tests;
using static Ddm.Diffusion.Tests.Closeness;
using static TorchSharp.torch;

namespace Ddm.Diffusion.Tests;

/// <summary>Grid, step and noising against diffusers' FlowMatchEulerDiscreteScheduler, for every folder scheduler*.</summary>
public partial class SchedulerParityTests
{
    public static TheoryData<string> Folders => FixtureFolders.OfKind("scheduler");

    [Theory]
    [MemberData(nameof(Folders))]
    public void GridsEqualTheReference(string folder)
    {
        using var scope = NewDisposeScope();
        var io = new Fixture(folder).Load("io.safetensors");
        var checkedGrids = 0;
        foreach (var (name, sigmas) in io.Where(p => p.Key.StartsWith("sigmas_", StringComparison.Ordinal)))
        {
            var match = GridName().Match(name);
            var (steps, shift) = (int.Parse(match.Groups[2].Value, CultureInfo.InvariantCulture), double.Parse(match.Groups[3].Value, CultureInfo.InvariantCulture));
            var grid = match.Groups[1].Success ? TimeGrid.Uniform(steps, shift) : TimeGrid.FlowMatchEulerDiscrete(steps, shift);
            Assert.InRange(Distance(tensor(grid), sigmas), 0, 1e-6);
            Assert.InRange(Distance(tensor(grid[..^1]) * 1000, io[name.Replace("sigmas", "timesteps", StringComparison.Ordinal)]), 0, 1e-3);
            checkedGrids++;
        }

        Assert.True(checkedGrids > 0, $"{folder} has no grid");
    }

    [Theory]
    [MemberData(nameof(Folders))]
    public void StepsAndNoisingEqualTheReference(string folder)
    {
        using var scope = NewDisposeScope();
        var io = new Fixture(folder).Load("io.safetensors");
        var step = new Fixture(folder).Json("expected.json").GetProperty("step");
        var grid = TimeGrid.FlowMatchEulerDiscrete(step.GetProperty("n").GetInt32(), step.GetProperty("shift").GetDouble());
        var x = io["step_sample"];
        for (var i = 0; i < io["step_model_outputs"].size(0); i++)
        {
            x = x + (io["step_model_outputs"][i] * (grid[i + 1] - grid[i]));
            Assert.InRange(Distance(x, io["step_prev_samples"][i]), 0, 1e-5);
        }

        var noised = LinearPath.Interpolate(io["scale_noise_data"], io["scale_noise_noise"], io["scale_noise_timesteps"] / 1000);
        Assert.InRange(Distance(noised, io["scale_noise_out"]), 0, 1e-5);
    }

    [GeneratedRegex("^sigmas_(custom_)?n([0-9]+)_shift([0-9.]+)$")]
    private static partial Regex GridName();
}
