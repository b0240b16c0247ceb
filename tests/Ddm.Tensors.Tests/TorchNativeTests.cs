using System.Runtime.InteropServices;
using TorchSharp;

namespace Ddm.Tensors.Tests;

public partial class TorchNativeTests
{
    [Fact]
    public void TorchLoadsAndAdds()
    {
        TorchNative.EnsureLoaded();
        using var ones = torch.ones(3);
        using var sum = ones.sum();
        Assert.Equal(3f, sum.item<float>());
    }

    [Fact]
    public void IdleOpenMpThreadsSleepSoon()
    {
        Assert.SkipUnless(OperatingSystem.IsLinux() && Environment.GetEnvironmentVariable("OMP_WAIT_POLICY") is null, "GNU OpenMP under its default policy only");
        TorchNative.EnsureLoaded();
        var expected = Environment.GetEnvironmentVariable("GOMP_SPINCOUNT") ?? "10000"; // .NET's copy of what the process was started with
        Assert.Equal(expected, Marshal.PtrToStringUTF8(getenv("GOMP_SPINCOUNT")));
    }

    [LibraryImport("libc", StringMarshalling = StringMarshalling.Utf8)]
    private static partial nint getenv(string name);
}
