package demo;
import java.util.*;
public interface Greeter {
  String hello(String name);
  int add(int a, int b);
  long twice(long n);
  double half(double n);
  Person older(Person p, int years);
  List<Person> all(List<String> names);
  Map<String, Object> table();
  byte[] reversed(byte[] bytes);
  Date tomorrow(Date d);
  java.math.BigDecimal price(java.math.BigDecimal p);
  Color next(Color c);
  String nothing();
  String over(String s);
  String over(int n);
  String fail(String message) throws IllegalStateException;
  Map<String, String> attachments();
  String slow(int ms) throws InterruptedException;
  String big(int length);
  java.math.BigInteger power(int n);
}
