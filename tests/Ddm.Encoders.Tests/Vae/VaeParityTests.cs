using Ddm.Tests;
using static TorchSharp.torch;

namespace Ddm.Encoders.Tests;

/// <summary>Our autoencoder against diffusers' on the same weights, for every folder vae*.</summary>
public class VaeParityTests
{
    public static TheoryData<string> Folders => FixtureFolders.OfKind("vae");

    [Theory]
    [MemberData(nameof(Folders))]
    public void MomentsAndPicturesEqualTheReference(string folder)
    {
        using var scope = NewDisposeScope();
        using var fixture = new Fixture(folder);
        foreach (var weights in Directory.GetFiles(folder, "model*.safetensors")) // present and old names, where the folder has both
        {
            using var file = WeightFile.Open(weights);
            using var vae = AutoencoderKL.Load(file);
            var moments = vae.Encode(fixture["image"]);
            Assert.InRange(Fixture.Distance(moments, fixture["moments"]), 0, 2e-4);
            Assert.InRange(Fixture.Distance(vae.Decode(fixture["latents"]), fixture["decoded"]), 0, 2e-4);
            if (fixture.Tensors.TryGetValue("decoded_mean", out var decoded))
            {
                Assert.InRange(Fixture.Distance(vae.Decode(moments.narrow(1, 0, vae.Config.LatentChannels)), decoded), 0, 2e-3);
            }
        }
    }
}
