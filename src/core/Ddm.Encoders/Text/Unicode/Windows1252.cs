namespace Ddm.Encoders;

/// <summary>Windows code page 1252.</summary>
internal static class Windows1252
{
    /// <summary>Its characters 0x80 to 0x9F; the five bytes that it leaves free stand for themselves. All others are Latin-1's.</summary>
    public const string High = "€\u0081‚ƒ„…†‡ˆ‰Š‹Œ\u008DŽ\u008F\u0090‘’“”•–—˜™š›œ\u009DžŸ";
}
