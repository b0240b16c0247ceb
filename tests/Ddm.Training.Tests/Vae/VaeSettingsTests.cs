using Ddm.Runs;

namespace Ddm.Training.Tests;

public class VaeSettingsTests
{
    [Fact]
    public void TheStandardCanBeTrained()
    {
        var standard = new VaeSettings();
        standard.Require();
        Assert.Equal(4, standard.Config.Factor);
    }

    public static TheoryData<VaeSettings, string> Wrong() => new()
    {
        { new VaeSettings { ImageSize = 66 }, "--image-size 66: --blocks 16,32,64 has 3 levels, of which all but the last halve the picture, so the side must be a multiple of 4." },
        { new VaeSettings { Blocks = [16, 20] }, "--groups 8 does not divide 20 of --blocks 16,20" },
        { new VaeSettings { Blocks = [16, 0] }, "--blocks 0: " },
        { new VaeSettings { Blocks = [] }, "--blocks : give" },
        { new VaeSettings { Channels = 2 }, "--channels 2: " },
        { new VaeSettings { LatentChannels = 0 }, "--latent-channels 0: " },
        { new VaeSettings { Layers = 0 }, "--layers 0: " },
        { new VaeSettings { Groups = 0 }, "--groups 0: " },
        { new VaeSettings { Steps = 0 }, "--steps 0: " },
        { new VaeSettings { Batch = 0 }, "--batch 0: " },
        { new VaeSettings { LearningRate = double.NaN }, "--learning-rate NaN: " },
        { new VaeSettings { LearningRate = 0 }, "--learning-rate 0: " },
        { new VaeSettings { Kl = -1 }, "--kl -1: " },
        { new VaeSettings { HeldOut = 0 }, "--held-out 0: " },
    };

    [Theory]
    [MemberData(nameof(Wrong))]
    public void WhatCannotBeTrainedIsRefusedByItsOption(VaeSettings settings, string message)
        => Assert.Contains(message, Assert.Throws<UserErrorException>(settings.Require).Message, StringComparison.Ordinal);
}
