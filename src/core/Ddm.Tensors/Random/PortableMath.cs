using System.Runtime.CompilerServices;

namespace Ddm.Tensors;

/// <summary>
/// Logarithm, exponential, sine and cosine from IEEE additions, multiplications and divisions only. The C library's own differ in the last
/// bit from system to system and from version to version; noise and schedules must not.
/// </summary>
public static class PortableMath
{
    private const double Ln2 = 0.693147180559945309417232121458176568;
    private const double Root2 = 1.41421356237309504880168872420969808;

    /// <summary>ln x for normal positive x, to about 1e-13: ln x = e ln 2 + 2 atanh((m - 1) / (m + 1)) with m in [1/sqrt 2, sqrt 2).</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static double Log(double x)
    {
        var bits = BitConverter.DoubleToInt64Bits(x);
        var exponent = (int)(bits >> 52) - 1023;
        var mantissa = BitConverter.Int64BitsToDouble((bits & 0x000F_FFFF_FFFF_FFFF) | 0x3FF0_0000_0000_0000);
        if (mantissa >= Root2)
        {
            mantissa *= 0.5;
            exponent++;
        }

        var u = (mantissa - 1) / (mantissa + 1);
        var s = u * u;
        var series = (1.0 / 11) + (s * ((1.0 / 13) + (s / 15)));
        series = (1.0 / 5) + (s * ((1.0 / 7) + (s * ((1.0 / 9) + (s * series)))));
        series = 1 + (s * ((1.0 / 3) + (s * series)));
        return (exponent * Ln2) + (2 * u * series);
    }

    /// <summary>e^x for |x| below 700, to about 1e-15 of its value: 2^k times Taylor's series on [-ln 2 / 2, ln 2 / 2].</summary>
    public static double Exp(double x)
    {
        var k = (int)Math.Floor((x / Ln2) + 0.5);
        var r = x - (k * Ln2);
        var series = 1.0;
        for (var i = 13; i > 0; i--)
        {
            series = 1 + (series * r / i);
        }

        return series * BitConverter.Int64BitsToDouble((k + 1023L) << 52);
    }

    /// <summary>sin 2 pi x and cos 2 pi x for x in [0, 1], to about 1e-12: Taylor's series around the nearest quarter turn.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static (double Sine, double Cosine) SinCosOfTurns(double x)
    {
        var quarter = (int)((4 * x) + 0.5);
        var a = 2 * Math.PI * (x - (0.25 * quarter));
        var s = a * a;
        var sine = (1.0 / 39916800) - (s / 6227020800);
        sine = (1.0 / 5040) - (s * ((1.0 / 362880) - (s * sine)));
        sine = a * (1 - (s * ((1.0 / 6) - (s * ((1.0 / 120) - (s * sine))))));
        var cosine = (1.0 / 3628800) - (s / 479001600);
        cosine = (1.0 / 720) - (s * ((1.0 / 40320) - (s * cosine)));
        cosine = 1 - (s * (0.5 - (s * ((1.0 / 24) - (s * cosine)))));
        return (quarter & 3) switch
        {
            0 => (sine, cosine),
            1 => (cosine, -sine),
            2 => (-sine, -cosine),
            _ => (-cosine, sine),
        };
    }
}
