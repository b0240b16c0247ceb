namespace Ddm.Runs.Tests;

public class NetworkPresetsTests
{
    [Theory]
    [InlineData("DiT-XL/2", 1152, 28, 16, 2)]
    [InlineData("DiT-L/4", 1024, 24, 16, 4)]
    [InlineData("DiT-B/8", 768, 12, 12, 8)]
    [InlineData("DiT-S/2", 384, 12, 6, 2)]
    [InlineData("DiT-Mini/7", 256, 6, 4, 7)]
    [InlineData("DiT-Nano/4", 128, 4, 4, 4)]
    [InlineData("DiT-Micro/14", 64, 2, 2, 14)]
    public void PresetsHaveTheirPublishedSizes(string preset, int hidden, int depth, int heads, int patch) => Assert.Equal(
        new NetworkSpec { Hidden = hidden, Depth = depth, Heads = heads, Patch = patch, ClassCondition = false },
        NetworkPresets.Resolve(new NetworkSpec { Preset = preset, ClassCondition = false }));

    [Fact]
    public void NumbersStayAsTheyAre()
    {
        var numbers = new NetworkSpec { Hidden = 8, Depth = 1, Heads = 2, Patch = 1 };
        Assert.Same(numbers, NetworkPresets.Resolve(numbers));
    }

    [Fact]
    public void EveryPresetIsAValidNetwork() => Assert.All(NetworkPresets.Names, name =>
    {
        var size = NetworkPresets.Resolve(new NetworkSpec { Preset = name });
        Assert.Equal(0, size.Hidden % size.Heads);
        Assert.Equal(0, size.Hidden % 4);
    });

    [Fact]
    public void AnUnknownPresetIsRefused() => Assert.Equal(
        "'DiT-Huge/2' is no network preset: expected DiT-Micro, DiT-Nano, DiT-Mini, DiT-S, DiT-B, DiT-L, DiT-XL, then '/' and a patch of 1, 2, 4, 7, 8, 14.",
        Assert.Throws<UserErrorException>(() => NetworkPresets.Resolve(new NetworkSpec { Preset = "DiT-Huge/2" })).Message);
}
