# program: Boost.Asio
# role: server
# tried: an asynchronous echo server in C++, 4 threads; 100 clients with 100,000 bytes each
# needs: g++ python3
# header: boost/asio.hpp
# seconds: 120
# version: sed -n 's/^#define BOOST_LIB_VERSION "\([0-9]*\)_\([0-9]*\)"/\1.\2/p' /usr/include/boost/version.hpp
cat >echo.cpp <<-'END'
	#include <boost/asio.hpp>
	#include <memory>
	#include <thread>
	#include <vector>
	using boost::asio::ip::tcp;
	struct session : std::enable_shared_from_this<session> {
		tcp::socket s; char b[65536];
		explicit session(tcp::socket x) : s(std::move(x)) {}
		void go() {
			auto self = shared_from_this();
			s.async_read_some(boost::asio::buffer(b), [self](auto e, std::size_t n) {
				if (!e) boost::asio::async_write(self->s, boost::asio::buffer(self->b, n),
				    [self](auto e2, std::size_t) { if (!e2) self->go(); });
			});
		}
	};
	static void more(tcp::acceptor &a) {
		a.async_accept([&a](auto e, tcp::socket s) { if (!e) std::make_shared<session>(std::move(s))->go(); more(a); });
	}
	int main() {
		boost::asio::io_context c; tcp::acceptor a(c, tcp::endpoint(tcp::v4(), 7000)); more(a);
		std::vector<std::thread> t;
		for (int i = 0; i < 4; i++) t.emplace_back([&c] { c.run(); });
		for (auto &x : t) x.join();
	}
END
g++ -O1 -o echo echo.cpp -pthread
./echo &
ours_up 7000
teachnet peer python3 "$matrix/echo_clients.py" host.lab 7000 100
